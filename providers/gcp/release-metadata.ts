/** The metadata of a machine that says which release it was started with, as hex SHA-256. */
export const releaseMetadata = "switchyard-release";
