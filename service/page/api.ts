/** A period of a schedule, as the API answers it; times in RFC 3339. */
export interface Period {
  readonly asked: string;
  readonly start: string;
  /** Absent: until the schedule is deleted. */
  readonly end?: string;
}

/** A schedule, as the API answers it. */
export interface Schedule {
  readonly id: string;
  readonly version: number;
  readonly source: "api" | "stack";
  readonly state: "waiting" | "active" | "ending" | "missed" | "over";
  readonly machinesNow: number;
  readonly name: string;
  readonly cluster: string;
  readonly machines: number;
  readonly flavor: string;
  readonly image?: string;
  readonly leadMinutes?: number;
  readonly start?: string;
  readonly end?: string;
  readonly cron?: string;
  readonly durationMinutes?: number;
  readonly timeZone?: string;
  readonly from?: string;
  readonly until?: string;
  readonly except?: readonly string[];
  readonly current?: Period;
  readonly next?: Period;
  readonly problem?: string;
  readonly deleteAt?: string;
  /** Of a trial: its next five periods. */
  readonly occurrences?: readonly Period[];
}

export interface Occurrence extends Period {
  readonly schedule: string;
  readonly machines: number;
}

export interface Group {
  readonly id: string;
  readonly cluster: string;
  readonly flavor: string;
  readonly image: string;
  readonly wanted: number;
  readonly size?: number;
  readonly running?: number;
  readonly problem?: string;
}

export interface HappenedEvent {
  readonly at: string;
  readonly what: string;
  readonly who: string;
  readonly message: string;
}

export interface Answer<T> {
  readonly status: number;
  readonly message: string;
  readonly content: T;
  readonly maxMachines?: number;
}

/** An answer other than success, in the API's words. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Where the token is while this tab is open: never in a URL, and in nothing that outlives the tab. */
const tokenKey = "admin-token";

export const token = {
  get: (): string => sessionStorage.getItem(tokenKey) ?? "",
  set: (value: string): void => {
    if (value) sessionStorage.setItem(tokenKey, value);
    else sessionStorage.removeItem(tokenKey);
  },
};

interface Call {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Calls the API, with the token where something is to be changed. @throws {ApiError} */
export async function call<T>(
  path: string,
  { method = "GET", body, headers = {}, signal }: Call = {},
): Promise<Answer<T>> {
  const response = await fetch(path, {
    method,
    headers: {
      ...headers,
      ...(method !== "GET" && token.get() && { authorization: `Bearer ${token.get()}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
    cache: "no-store",
    credentials: "omit",
  });
  const answer = (await response.json()) as Answer<T>;
  if (!response.ok) throw new ApiError(response.status, answer.message);
  return answer;
}
