// Functions that a browser adds to the report: zoom along the time axis, a hair line through all pictures, and a
// readout under the pointer. Every picture's time strip is laid out in percentages, so zooming is stretching and
// shifting it.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const SVG = 'http://www.w3.org/2000/svg';
  const groups = ['overview', 'roles', 'links'].flatMap((id) => [
    ...document.querySelectorAll(`#${id} .chart`),
  ]);
  const strips = groups.flatMap((g) => [...g.querySelectorAll('svg.time')]);
  if (strips.length === 0) return;
  let view = [0, data.end];

  const readout = add(document.body, 'div', 'readout');
  const tools = document.createElement('div');
  tools.id = 'tools';
  document.getElementById('timeline').prepend(tools);
  const reset = button('whole run', () => show(0, data.end));
  button('−', () => zoom(2));
  button('+', () => zoom(0.5));
  tools.append(reset);
  reset.hidden = true;

  for (const group of groups) {
    group.classList.add('zooms');
    const brush = document.createElement('div');
    brush.className = 'brush';
    group.append(brush);
    let start = null;
    group.addEventListener('pointerdown', (e) => {
      if (e.button !== 0 || timeAt(group, e.clientX) === null) return;
      start = e.clientX;
      e.preventDefault();
    });
    group.addEventListener('pointermove', (e) => {
      hover(group, e);
      if (start === null) return;
      const box = group.getBoundingClientRect();
      brush.style.display = 'block';
      brush.style.left = `${Math.min(start, e.clientX) - box.left}px`;
      brush.style.width = `${Math.abs(e.clientX - start)}px`;
    });
    window.addEventListener('pointerup', (e) => {
      if (start === null) return;
      const [a, b] = [start, e.clientX].sort((p, q) => p - q);
      start = null;
      brush.style.display = 'none';
      if (b - a > 5) show(timeAt(group, a, true), timeAt(group, b, true));
    });
    group.addEventListener('pointerleave', leave);
    group.addEventListener('dblclick', () => show(0, data.end));
  }
  for (const row of document.querySelectorAll('tr[data-zoom]')) {
    const [from, to] = row.dataset.zoom.split(' ').map(Number);
    row.classList.add('can');
    row.title = 'show in the pictures';
    row.addEventListener('click', () => {
      const room = Math.max(500, (to - from) * 0.4);
      show(from - room, to + room);
      document.getElementById('overview').scrollIntoView();
    });
  }

  // The texts were fitted to a typical width, but this window may have another one.
  show(...view);
  window.addEventListener('resize', () => show(...view));

  function add(parent, tag, id) {
    const made = document.createElement(tag);
    made.id = id;
    return parent.appendChild(made);
  }

  function button(label, act) {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = label;
    made.addEventListener('click', act);
    tools.append(made);
    return made;
  }

  function plotBox(group) {
    return group.querySelector('svg.plot').getBoundingClientRect();
  }

  function timeAt(group, clientX, clamped = false) {
    const box = plotBox(group);
    const f = (clientX - box.left) / box.width;
    if (!clamped && (f < 0 || f > 1)) return null;
    return view[0] + Math.min(1, Math.max(0, f)) * (view[1] - view[0]);
  }

  function zoom(factor) {
    const middle = (view[0] + view[1]) / 2;
    const half = ((view[1] - view[0]) * factor) / 2;
    show(middle - half, middle + half);
  }

  function show(from, to) {
    from = Math.max(0, from);
    to = Math.min(data.end, to);
    // In a narrower span, only single bins and the browser's rounding would be visible.
    if (to - from < 20) return;
    view = [from, to];
    const scale = data.end / (to - from);
    for (const strip of strips) {
      strip.setAttribute('width', `${100 * scale}%`);
      strip.setAttribute('x', `${(-100 * scale * from) / data.end}%`);
    }
    for (const group of groups) {
      for (const axis of group.querySelectorAll('.axis .ticks')) drawTicks(axis);
      for (const text of group.querySelectorAll('.band text')) fit(text);
    }
    reset.hidden = scale === 1;
  }

  // As in the drawn page: the whole text, the part that fits, its first word, or nothing.
  function fit(text) {
    const whole = text.dataset.text;
    const letters = Math.floor((text.parentNode.getBoundingClientRect().width - 5) / 6.8);
    const first = whole.split(' ')[0];
    if (whole.length <= letters) text.textContent = whole;
    else if (letters >= 6) text.textContent = `${whole.slice(0, letters - 1)}…`;
    else text.textContent = first.length <= letters ? first : '';
  }

  function drawTicks(axis) {
    const span = view[1] - view[0];
    const power = 10 ** Math.floor(Math.log10(span / 10));
    const step = [1, 2, 5, 10].map((s) => s * power).find((s) => s >= span / 10);
    const digits = Math.max(0, Math.ceil(-Math.log10(step / 1000)));
    axis.replaceChildren();
    for (let k = Math.ceil(view[0] / step); k * step <= view[1]; k++) {
      const f = (k * step - view[0]) / span;
      const at = `${100 * f}%`;
      const line = axis.appendChild(document.createElementNS(SVG, 'line'));
      for (const [name, value] of Object.entries({ x1: at, x2: at, y1: 0, y2: 4 }))
        line.setAttribute(name, value);
      const text = axis.appendChild(document.createElementNS(SVG, 'text'));
      const anchor = f < 0.02 ? 'start' : f > 0.97 ? 'end' : 'middle';
      for (const [name, value] of Object.entries({ x: at, y: 16, 'text-anchor': anchor }))
        text.setAttribute(name, value);
      text.textContent = `${((k * step) / 1000).toFixed(digits)} s`;
    }
  }

  function hover(group, e) {
    const t = timeAt(group, e.clientX);
    if (t === null) return leave();
    const box = plotBox(group);
    for (const hair of document.querySelectorAll('.zooms .hair')) {
      hair.setAttribute('x1', e.clientX - box.left);
      hair.setAttribute('x2', e.clientX - box.left);
    }
    readout.textContent = describe(t);
    readout.style.display = 'block';
    const { width, height } = readout.getBoundingClientRect();
    readout.style.left = `${e.clientX + 16 + width > innerWidth ? Math.max(4, e.clientX - width - 16) : e.clientX + 16}px`;
    readout.style.top = `${Math.min(innerHeight - height - 8, e.clientY + 16)}px`;
  }

  function leave() {
    readout.style.display = 'none';
    for (const hair of document.querySelectorAll('.hair')) {
      hair.setAttribute('x1', -9);
      hair.setAttribute('x2', -9);
    }
  }

  function describe(t) {
    const lines = [`${(t / 1000).toFixed(3)} s`];
    const bin = data.bins[Math.floor(t / data.binMs)];
    if (bin) {
      const [ok, fail, info, ...waits] = bin;
      const rate = (n) => Math.round((n * 1000) / data.binMs);
      lines.push(`ok ${rate(ok)}/s   failed ${rate(fail)}/s   unknown ${rate(info)}/s`);
      if (waits[0] >= 0) lines.push(`p50 ${wait(waits[0])}   p99 ${wait(waits[1])}   max ${wait(waits[2])}`);
    }
    for (const [node, changes] of data.nodes) {
      const last = changes.findLast(([from]) => from <= t);
      if (last) lines.push(`${node}  ${last[1]}`);
    }
    for (const [text, from, to] of data.faults) if (from <= t && t <= to) lines.push(text);
    return lines.join('\n');
  }

  function wait(us) {
    return us < 1000
      ? `${us} µs`
      : us < 999_500
        ? `${(us / 1000).toPrecision(3)} ms`
        : `${(us / 1e6).toFixed(2)} s`;
  }
})();
