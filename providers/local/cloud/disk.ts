/** Whether an error says that a disk is full, or a user's share of it. */
export function isDiskFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** What an error says, in words that name the disk where that is full. */
export function explained(error: unknown, home: string): string {
  const { message } = error as Error;
  return isDiskFull(error) ? `the disk that holds ${home} is full (${message})` : message;
}
