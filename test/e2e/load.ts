import autocannon from "autocannon";

export const requestsPerSecond = 200;

/** Requests at a steady rate, one path after the other, until `work` is done. */
export async function underLoad<T>(
  url: string,
  paths: readonly string[],
  work: () => Promise<T>,
): Promise<{ result: T; load: autocannon.Result }> {
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  const options = {
    url,
    connections: 100,
    overallRate: requestsPerSecond,
    duration: 300,
    timeout: 20,
    requests: paths.map((path) => ({ path })),
  };
  const running = autocannon(options, (error, load) => (error ? reject(error) : resolve(load)));
  try {
    const result = await work();
    running.stop?.();
    return { result, load: await promise };
  } finally {
    running.stop?.();
  }
}

/** Requests that failed in any way. */
export function lost({ errors, timeouts, non2xx }: autocannon.Result): number {
  return errors + timeouts + non2xx;
}
