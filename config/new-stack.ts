/** What a cloud has to be told before anything can be deployed to it. */
export interface Question {
  /** Its flag of `npm run new`, without the dashes. */
  readonly flag: string;
  /** What is asked for, as a noun. */
  readonly text: string;
  /** What an empty answer means. Absent: there is nothing that suits everybody. */
  readonly default?: string;
}

/** What a new stack of a cloud needs besides what all of them do. */
export interface NewStack {
  readonly questions: readonly Question[];
  /** Whole configuration keys, from the answers by their flags. */
  config(answers: Readonly<Record<string, string>>): Readonly<Record<string, unknown>>;
}

/** A network of a subnet for each zone: `10.0.1.0/24`, `10.0.2.0/24` and so on, within 10.0.0.0/16. */
export function networkIn(zones: readonly (string | undefined)[]): Readonly<Record<string, unknown>> {
  const subnets = zones.map((zone, index) => ({ cidr: `10.0.${index + 1}.0/24`, ...(zone && { zone }) }));
  return { cidr: "10.0.0.0/16", subnets };
}
