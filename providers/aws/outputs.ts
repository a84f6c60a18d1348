/** An auto-scaling group, as a stack's outputs name it. */
export interface DeployedGroup {
  readonly cluster: string;
  /** The group's name. */
  readonly group: string;
  readonly region: string;
}

/**
 * The groups of a deployed stack. Their ARNs tell the region, too.
 * @throws when an output is no such ARN
 */
export function groupsOf(outputs: Readonly<Record<string, unknown>>): DeployedGroup[] {
  const clusters = (outputs.clusters ?? {}) as Readonly<Record<string, { readonly group?: unknown }>>;
  return Object.entries(clusters).map(([cluster, { group: arn }]) => {
    const [, region, group] =
      /^arn:[\w-]+:autoscaling:([\w-]+):.+:autoScalingGroupName\/(.+)$/.exec(String(arn)) ?? [];
    if (region && group) return { cluster, group, region };
    throw new Error(
      `the stack's output clusters.${cluster}.group is ${JSON.stringify(arn)}, and no auto-scaling group's ARN: npm run up writes it again`,
    );
  });
}
