/** Reads a stream in pieces of a given size, of which only `whole` holds more than a chunk. */
export interface Reader {
  /** All of it, when it has `maxBytes` bytes or fewer; else nothing is lost. */
  whole(maxBytes: number): Promise<Buffer | undefined>;
  /** Whether there is nothing left to read. */
  ended(): Promise<boolean>;
  /** The next `maxBytes` bytes, or what is left. */
  part(maxBytes: number): { readonly chunks: AsyncGenerator<Buffer, void>; bytes(): number };
}

export function createReader(source: AsyncIterator<Buffer, void>): Reader {
  let waiting: Buffer[] = [];
  const next = async (): Promise<Buffer | undefined> =>
    waiting.shift() ?? (await source.next()).value ?? undefined;
  return {
    whole: async (maxBytes) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      for (let chunk = await next(); chunk; chunk = await next()) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > maxBytes) {
          waiting = [...chunks, ...waiting];
          return undefined;
        }
      }
      return Buffer.concat(chunks);
    },
    ended: async () => {
      const chunk = await next();
      if (chunk) waiting.unshift(chunk);
      return chunk === undefined;
    },
    part: (maxBytes) => {
      let bytes = 0;
      async function* chunks(): AsyncGenerator<Buffer, void> {
        while (bytes < maxBytes) {
          const chunk = await next();
          if (!chunk) return;
          const fits = chunk.subarray(0, maxBytes - bytes);
          if (fits.length < chunk.length) waiting.unshift(chunk.subarray(fits.length));
          bytes += fits.length;
          yield fits;
        }
      }
      return { chunks: chunks(), bytes: () => bytes };
    },
  };
}
