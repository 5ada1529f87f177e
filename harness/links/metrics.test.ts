import { expect, test } from 'vitest';
import { readProxyBytes } from './metrics.ts';

test('adds up both streams and every address of a proxy, whatever its name holds', () => {
  const text = [
    '# TYPE toxiproxy_proxy_received_bytes_total counter',
    'toxiproxy_proxy_received_bytes_total{direction="upstream",listener="127.0.0.1:1",proxy="n1->n2",upstream="127.0.0.1:2"} 10',
    'toxiproxy_proxy_received_bytes_total{direction="downstream",listener="127.0.0.1:1",proxy="n1->n2",upstream="127.0.0.1:2"} 5',
    'toxiproxy_proxy_received_bytes_total{direction="upstream",listener="127.0.0.1:3",proxy="n1->n2",upstream="127.0.0.1:2"} 1e+06',
    String.raw`toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="x",proxy="a \"b\", c\\d",upstream="y"} 7`,
    'go_goroutines 13',
  ].join('\n');
  expect(readProxyBytes(text)).toEqual(
    new Map([
      ['n1->n2', { received: 1_000_015, sent: 0 }],
      [String.raw`a "b", c\d`, { received: 0, sent: 7 }],
    ]),
  );
});
