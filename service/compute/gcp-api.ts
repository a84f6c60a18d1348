import { Storage } from "@google-cloud/storage";

const endpoint = "https://compute.googleapis.com/compute/v1/";

/** A page of a listing. */
interface Page {
  readonly nextPageToken?: string;
}

export interface ComputeApiOptions {
  /** Where Compute Engine is. Default: where Google has it. */
  readonly root?: string | undefined;
  /** How long a call may take that has no signal, in milliseconds. Default: as long as it takes. */
  readonly limitMs?: number;
}

/**
 * Compute Engine's REST API, asked with the environment's credentials, as Google's SDKs find them. Its own SDK would unpack
 * to 109 MB for the few calls made here.
 */
export class ComputeApi {
  // The storage SDK has the library that finds credentials, and renews tokens.
  readonly #auth = new Storage().authClient;
  readonly #base: string;
  readonly #limitMs: number | undefined;

  /** @param project the Google Cloud project's id */
  constructor(project: string, { root = endpoint, limitMs }: ComputeApiOptions = {}) {
    this.#base = `${root}projects/${project}/`;
    this.#limitMs = limitMs;
  }

  /**
   * @param path below the project: `zones/us-west1-b/instances/app-1x2y`; `../../projects/other/…` is another's
   * @throws with Google's own words, which name what is missing or may not be seen
   */
  async call<T>(
    method: "GET" | "POST" | "DELETE",
    path: string,
    query: Readonly<Record<string, string | number>> = {},
    signal = this.#limitMs === undefined ? undefined : AbortSignal.timeout(this.#limitMs),
    body?: object,
  ): Promise<T> {
    const url = new URL(`${this.#base}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const { data } = await this.#auth.request<T>({
      method,
      url: `${url}`,
      ...(signal && { signal }),
      ...(body && { data: body }),
    });
    return data;
  }

  /** All pages of a listing. */
  async *pages<T extends Page>(
    method: "GET" | "POST",
    path: string,
    query: Readonly<Record<string, string | number>> = {},
  ): AsyncGenerator<T, void, undefined> {
    let pageToken: string | undefined;
    do {
      const page: T = await this.call<T>(method, path, { ...query, ...(pageToken && { pageToken }) });
      yield page;
      pageToken = page.nextPageToken;
    } while (pageToken);
  }
}
