import { Storage } from "@google-cloud/storage";

const endpoint = "https://compute.googleapis.com/compute/v1/";

/** A page of a listing. */
interface Page {
  readonly nextPageToken?: string;
}

/**
 * Compute Engine's REST API, asked with the environment's credentials, as Google's SDKs find them. Its own SDK would unpack
 * to 109 MB for the few calls made here. Where it is, gcloud's variable of that may say otherwise.
 */
export class Compute {
  // The storage SDK has the library that finds credentials, and renews tokens.
  readonly #auth = new Storage().authClient;
  readonly #base: string;

  /** @param project the Google Cloud project's id */
  constructor(project: string) {
    const root = process.env.CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE || endpoint;
    this.#base = `${root}projects/${project}/`;
  }

  /**
   * @param path below the project: `zones/us-west1-b/instances/app-1x2y`
   * @throws with Google's own words, which name what is missing or may not be seen
   */
  async call<T>(
    method: "GET" | "POST",
    path: string,
    query: Readonly<Record<string, string | number>> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const url = new URL(`${this.#base}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const { data } = await this.#auth.request<T>({ method, url: `${url}`, ...(signal && { signal }) });
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
