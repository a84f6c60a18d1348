/** A fixed date for every entry, npm's own for packages: 0 makes `tar` warn of an implausibly old file. */
const entryDate = new Date("1985-10-26T08:15:00.000Z");

/** What ends a tar archive. */
const end = new Uint8Array(1024);

/** Some of an archive's files, compressed, by which an archive is put together without compressing them again. */
export type ArchivePiece = Uint8Array;

/**
 * Packs files of an archive, in memory: no file system's modes, owners or times get into it. Several compressed one after
 * the other, as here, are one gzip file (RFC 1952, section 2.2).
 * fflate compresses alike everywhere; what Node.js's zlib makes of the same bytes depends on its version and on
 * which CRC instruction the processor has (deps/zlib/contrib/optimizations/insert_string.h).
 */
export async function packFiles(files: Readonly<Record<string, Uint8Array>>): Promise<ArchivePiece> {
  const { Header } = await import("tar/header");
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const header = Buffer.alloc(512);
    new Header({
      path,
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: content.length,
      mtime: entryDate,
      type: "File",
    }).encode(header);
    return [header, content, Buffer.alloc(-content.length & 511)];
  });
  return await compress(Buffer.concat(blocks));
}

/** A gzipped tar archive of all the files in its pieces. */
export async function joinPieces(pieces: readonly ArchivePiece[]): Promise<Uint8Array> {
  return Buffer.concat([...pieces, await compress(end)]);
}

async function compress(content: Uint8Array): Promise<Uint8Array> {
  const { gzipSync } = await import("fflate");
  return gzipSync(content, { mtime: 0 });
}
