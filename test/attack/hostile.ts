/** A request that no honest client sends. */
export interface Hostile {
  readonly name: string;
  readonly bytes: string;
  /** What it may be answered; nothing that comes after it is. */
  readonly statuses: readonly number[];
}

/** A second request, hidden in the first: no machine may ever hear of it. */
export const smuggledPath = "/smuggled";
const smuggle = (name: string) =>
  `GET ${smuggledPath}/${encodeURI(name)} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const smuggled = smuggle("whole");

const bad = [400];
const unsupported = [400, 501];

function post(headers: string, body: string, path = "/cluster1"): string {
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${body}`;
}

function chunked(body: string): string {
  return post("Transfer-Encoding: chunked", body);
}

function get(head: string): string {
  return `GET /cluster1 HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`;
}

/** Framings that two parsers may read differently. Each is followed by a whole request. */
const framings: readonly (readonly [name: string, bytes: string, statuses: readonly number[]])[] = [
  ["length and chunks", post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), bad],
  ["chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), bad],
  ["two lengths", post("Content-Length: 0\r\nContent-Length: 5", ""), bad],
  ["the same length twice", post("Content-Length: 1\r\nContent-Length: 1", "x"), bad],
  ["a list of lengths", post("Content-Length: 0, 5", ""), bad],
  ["a signed length", post("Content-Length: +5", ""), bad],
  ["a negative length", post("Content-Length: -1", ""), bad],
  ["a hexadecimal length", post("Content-Length: 0x5", ""), bad],
  ["a length that is too long", post("Content-Length: 99999999999999999999", ""), bad],
  ["an empty length", post("Content-Length: ", ""), bad],
  ["an unknown coding", post("Transfer-Encoding: xchunked", "0\r\n\r\n"), unsupported],
  ["identity", post("Transfer-Encoding: identity", ""), unsupported],
  ["chunks that are not last", post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"), unsupported],
  ["gzip", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), unsupported],
  [
    "chunked twice",
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    unsupported,
  ],
  ["a space before the colon", post("Transfer-Encoding : chunked", "0\r\n\r\n"), bad],
  ["a vertical tab in the coding", post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"), unsupported],
  ["a folded coding", post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"), unsupported],
  ["a folded length", post("Content-Length:\r\n 0", ""), bad],
  ["a bare line feed in the head", post("X: y\nContent-Length: 5", ""), bad],
  ["bare line feeds alone", "GET /cluster1 HTTP/1.1\nHost: localhost\n\n", bad],
  ["a bare carriage return", post("X: y\rContent-Length: 5", ""), bad],
  ["no size", chunked("\r\n"), bad],
  ["a size that is no number", chunked("zz\r\n"), bad],
  ["a negative size", chunked("-1\r\nx\r\n"), bad],
  ["a size with 0x", chunked("0x1\r\nx\r\n0\r\n\r\n"), bad],
  ["a size that is too long", chunked(`${"f".repeat(40)}\r\nx\r\n`), bad],
  ["a size that ends in a line feed", chunked("1\nx\r\n0\r\n\r\n"), bad],
  ["a chunk that is longer than it says", chunked("1\r\nxyz\r\n0\r\n\r\n"), bad],
  ["a line feed in a chunk's extension", chunked("1;a\nb\r\nx\r\n0\r\n\r\n"), bad],
  ["an extension of 100 kB", chunked(`1;${"a".repeat(100_000)}\r\nx\r\n0\r\n\r\n`), [400, 413]],
];

const others: readonly Hostile[] = [
  { name: "a head of 1 MB", bytes: get(`X: ${"x".repeat(1_000_000)}`), statuses: [431] },
  { name: "5,000 headers", bytes: get(Array(5_000).fill("X-Some: y").join("\r\n")), statuses: [431] },
  {
    name: "a path of 100 kB",
    bytes: `GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    statuses: [431],
  },
  {
    name: "absolute form",
    bytes: "GET http://b/cluster1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    statuses: bad,
  },
  { name: "asterisk form", bytes: "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", statuses: bad },
  { name: "no path", bytes: "GET cluster1 HTTP/1.1\r\nHost: localhost\r\n\r\n", statuses: bad },
  { name: "CONNECT", bytes: "CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n", statuses: [405] },
  {
    name: "CONNECT and more",
    bytes: `CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n${smuggled}`,
    statuses: [405],
  },
  { name: "TRACE", bytes: "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", statuses: [405] },
  { name: "NUL in the path", bytes: "GET /clu\0ster1 HTTP/1.1\r\nHost: localhost\r\n\r\n", statuses: bad },
  { name: "NUL in a name", bytes: get("X\0: y"), statuses: bad },
  { name: "NUL in a value", bytes: get("X: y\0z"), statuses: bad },
  { name: "an empty name", bytes: get(": y"), statuses: bad },
  { name: "a space in a name", bytes: get("X Y: z"), statuses: bad },
  { name: "no colon", bytes: get("X"), statuses: bad },
  { name: "a folded value", bytes: get("X: y\r\n Z: z"), statuses: [200, 400] },
  { name: "HTTP/0.9", bytes: "GET /\r\n", statuses: bad },
  { name: "HTTP/1.2", bytes: "GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", statuses: bad },
  { name: "HTTP/3.0", bytes: "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", statuses: bad },
  { name: "HTTP/2 as it begins", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", statuses: bad },
  { name: "a word too many", bytes: "GET / HTTP/1.1 x\r\nHost: localhost\r\n\r\n", statuses: bad },
  { name: "an unknown method", bytes: "GETS / HTTP/1.1\r\nHost: localhost\r\n\r\n", statuses: bad },
  { name: "TLS", bytes: "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", statuses: bad },
  { name: "no host", bytes: "GET / HTTP/1.1\r\n\r\n", statuses: bad },
  { name: "two hosts", bytes: "GET / HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n", statuses: bad },
  { name: "two tokens", bytes: get("Authorization: Bearer a\r\nAuthorization: Bearer b"), statuses: bad },
  { name: "a WebSocket", bytes: get("Connection: Upgrade\r\nUpgrade: websocket"), statuses: [501] },
  { name: "another expectation", bytes: get("Expect: tea"), statuses: [417] },
  { name: "half a head", bytes: "GET / HTTP/1.1\r\nHost", statuses: bad },
  { name: "half a body", bytes: post("Content-Length: 10", "half"), statuses: [400, 405] },
  {
    name: "a length that is named a matter of the connection",
    bytes: post(`Connection: close, Content-Length\r\nContent-Length: ${smuggled.length}`, smuggled),
    statuses: [405],
  },
  {
    name: "an upload without a token",
    bytes: post("Content-Length: 1", "x", "/files/hostile"),
    statuses: [401, 404, 405],
  },
];

export const hostile: readonly Hostile[] = [
  ...framings.map(([name, bytes, statuses]) => ({ name, bytes: bytes + smuggle(name), statuses })),
  ...others,
];
