import type { Removal } from '../removal.ts';

export const EDGES: readonly Removal[] = [
  {
    feature: 'frames: version and CRC; a malformed one closes the connection',
    without: 'frames of any version are accepted',
    edits: [
      {
        file: 'node/protocol/frame.ts',
        find: '    if (version !== PROTOCOL_VERSION) {',
        replace: '    if (version < 0) {',
      },
    ],
  },
  {
    feature: 'frames: version and CRC; a malformed one closes the connection',
    without: 'frames with a wrong CRC are accepted',
    edits: [
      {
        file: 'node/protocol/frame.ts',
        find: '    if (found !== expected) {',
        replace: '    if (found < 0) {',
      },
    ],
  },
  {
    feature: 'frames: version and CRC; a malformed one closes the connection',
    without: 'the connection of a client stays open after a bad frame',
    edits: [
      {
        file: 'node/server/client-connection.ts',
        find: '      this.#o.log(closed(this.#o.socket, error.message));\n      this.#o.socket.destroy();',
        replace: '      this.#o.log(closed(this.#o.socket, error.message));',
      },
    ],
  },
  {
    feature: 'status and trace reports',
    without: 'only new leaders are reported, no other steps',
    edits: [
      {
        file: 'node/replica/trace.ts',
        find: '      else this.#reports.report(event);',
        replace: "      else if (event.type === 'BecomeLeader') this.#reports.report(event);",
      },
    ],
  },
  {
    feature: 'status and trace reports',
    without: 'only the first status is reported',
    servesNoClients: true,
    edits: [
      {
        file: 'node/replica/trace.ts',
        find: '    const urgent =\n      last === null ||',
        replace: '    if (last !== null) return;\n    const urgent =\n      last === null ||',
      },
    ],
  },
  {
    feature: 'metrics, health',
    without: 'no metrics are shown',
    edits: [
      {
        file: 'node/server/exposition.ts',
        find: '    for (const { name, help, type, read } of this.#families) {',
        replace: '    for (const { name, help, type, read } of this.#families.slice(0, 0)) {',
      },
    ],
  },
  {
    feature: 'metrics, health',
    without: 'the health check always succeeds',
    edits: [
      {
        file: 'node/server/admin-server.ts',
        find: "    : leader === null\n      ? 'no leader is known'\n      : null;",
        replace: '    : null;',
      },
    ],
  },
  {
    feature: 'structured logs',
    without: 'a JSON log is written as text',
    edits: [
      {
        file: 'node/server/log-format.ts',
        find: "  if (format === 'json') return",
        replace: "  if (format !== 'json' && format !== 'text') return",
      },
    ],
  },
  {
    feature: 'timings are options',
    without: 'the election timeout is always the default',
    edits: [
      {
        file: 'node/server/run-node.ts',
        find: '    electionTimeoutMinMs: options.electionTimeoutMinMs,\n    electionTimeoutMaxMs: options.electionTimeoutMaxMs,',
        replace: '    electionTimeoutMinMs: 300,\n    electionTimeoutMaxMs: 600,',
      },
    ],
  },
  {
    feature: 'timings are options',
    without: 'the heartbeat interval is always the default',
    edits: [
      {
        file: 'node/server/run-node.ts',
        find: '    heartbeatMs: options.heartbeatMs,',
        replace: '    heartbeatMs: 50,',
      },
    ],
  },
  {
    feature: 'frames: version and CRC; a malformed one closes the connection',
    without: 'frames of any length are accepted',
    edits: [
      {
        file: 'node/protocol/frame.ts',
        find: '    if (length > this.#maxPayloadBytes) {',
        replace: '    if (length > Infinity * this.#maxPayloadBytes) {',
      },
    ],
  },
  {
    feature: 'frames: version and CRC; a malformed one closes the connection',
    without: 'the connection of a peer stays open after a bad frame',
    edits: [
      {
        file: 'node/transport/peer-listener.ts',
        find: '        this.#refuse(socket, hello, error.message);',
        replace: '        void hello;',
      },
    ],
  },
];
