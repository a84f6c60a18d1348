/** Names of a local cloud's images, each of which is a folder; those that begin with `snapshot-` are of clones' sources. */
export const imageNames = {
  pattern: /^(?!snapshot-)[a-z0-9][a-z0-9.-]{0,62}$/,
  expected:
    "1 to 63 lower-case letters, digits, dots and hyphens, a letter or digit first, not beginning with snapshot-",
} as const;
