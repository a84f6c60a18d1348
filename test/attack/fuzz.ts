/** Requests that are changed at random: some that a machine answers, some that none hears of. */
const seeds = [
  "GET /cluster1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /cluster2?a=b&c=%20d HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
  "HEAD / HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: fuzz\r\n\r\n",
  "POST /cluster1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
  "PUT /files/fuzz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
  "POST /files/fuzz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
  "OPTIONS /healthz HTTP/1.0\r\n\r\n",
];

/** What parsers stumble on. */
const tokens = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  ",",
  "\x80\xff",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Expect: 100-continue\r\n",
  "Connection: close, Host\r\n",
  "Upgrade: h2c\r\n",
  "HTTP/1.0",
  "0\r\n\r\n",
  "ffffffff\r\n",
  "http://",
  "../",
  "%00",
];

/** A stream of bytes, in the pieces that it is sent in, by a source of whole numbers below 2 ** 32. */
export function fuzz(next: () => number): Buffer[] {
  const below = (limit: number) => next() % limit;
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
  let bytes: Buffer =
    below(10) === 0
      ? Buffer.from(Array.from({ length: 1 + below(400) }, () => below(256)))
      : Buffer.from(Array.from({ length: 1 + below(3) }, () => pick(seeds)).join(""), "latin1");
  for (let changes = below(6); changes > 0; changes--) bytes = change(bytes, below, pick);
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + below(bytes.length);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

function change(bytes: Buffer, below: (limit: number) => number, pick: <T>(list: readonly T[]) => T): Buffer {
  const at = below(bytes.length + 1);
  const rest = bytes.subarray(Math.min(bytes.length, at + below(20)));
  switch (below(4)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(tokens), "latin1"), bytes.subarray(at)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), rest]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(at + 1), at), bytes.subarray(at)]);
  }
}
