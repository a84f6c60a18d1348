const reservedPaths = [
  "/healthz",
  "/openapi.json",
  "/docs",
  "/metrics",
  "/list_files",
  "/upload",
  "/download",
  "/files",
] as const;

/** What of its own the app answers at a path or above it, so that no cluster may have that path; undefined: nothing. */
export function reservedPath(path: string): (typeof reservedPaths)[number] | undefined {
  return reservedPaths.find((reserved) => path === reserved || path.startsWith(`${reserved}/`));
}
