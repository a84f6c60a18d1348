import type { PlannedResource } from "../../../plan/plan.ts";
import type { Api } from "./discovery.ts";

// biome-ignore lint/suspicious/noExplicitAny: inputs of a plan are whatever JSON
type Inputs = Readonly<Record<string, any>>;

/** What a resource becomes of its API: which schema, and its body. */
export interface ApiObject {
  readonly api: Api;
  readonly schema: string;
  readonly body: unknown;
}

type Convert = (inputs: Inputs) => readonly [schema: string, body: unknown];

/** Those of these that are there. */
function present(parts: Inputs): Inputs {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

/**
 * How the provider makes a request of inputs, where the two differ: a body is what is named here, and all other inputs by
 * their own names, so that one which the API does not know is found. What never reaches the API is taken out here.
 */
const compute: Readonly<Record<string, Convert>> = {
  BackendService: ({ healthChecks, connectionDrainingTimeoutSec: drainingTimeoutSec, ...rest }) => [
    "BackendService",
    { ...rest, healthChecks: [healthChecks], connectionDraining: { drainingTimeoutSec } },
  ],
  Firewall: ({ allows, ...rest }) => [
    "Firewall",
    { ...rest, allowed: allows.map(({ protocol, ...more }: Inputs) => ({ ...more, IPProtocol: protocol })) },
  ],
  GlobalAddress: (inputs) => ["Address", inputs],
  GlobalForwardingRule: ({ ipAddress, ipProtocol, ...rest }) => [
    "ForwardingRule",
    { ...rest, IPAddress: ipAddress, IPProtocol: ipProtocol },
  ],
  HealthCheck: (inputs) => ["HealthCheck", { ...inputs, type: "HTTP" }],
  InstanceTemplate: ({ disks, serviceAccount, metadata, tags, ...rest }) => [
    "InstanceProperties",
    {
      ...rest,
      disks: disks.map(({ sourceImage, diskType, diskSizeGb, labels, ...more }: Inputs) => ({
        ...more,
        initializeParams: present({ sourceImage, diskType, diskSizeGb, labels }),
      })),
      serviceAccounts: [serviceAccount],
      metadata: { items: Object.entries(metadata).map(([key, value]) => ({ key, value })) },
      tags: { items: tags },
    },
  ],
  Network: (inputs) => ["Network", inputs],
  RegionAutoscaler: ({
    autoscalingPolicy: { minReplicas, maxReplicas, cpuUtilization, ...policy },
    ...rest
  }) => [
    "Autoscaler",
    {
      ...rest,
      autoscalingPolicy: {
        ...policy,
        minNumReplicas: minReplicas,
        maxNumReplicas: maxReplicas,
        cpuUtilization: { utilizationTarget: cpuUtilization.target },
      },
    },
  ],
  RegionInstanceGroupManager: ({
    distributionPolicyZones,
    distributionPolicyTargetShape: targetShape,
    autoHealingPolicies,
    updatePolicy: { maxSurgeFixed, maxUnavailableFixed, ...policy },
    // The provider's own.
    waitForInstances: _,
    ...rest
  }) => [
    "InstanceGroupManager",
    {
      ...rest,
      distributionPolicy: { zones: distributionPolicyZones.map((zone: string) => ({ zone })), targetShape },
      autoHealingPolicies: [autoHealingPolicies],
      updatePolicy: {
        ...policy,
        maxSurge: { fixed: maxSurgeFixed },
        maxUnavailable: { fixed: maxUnavailableFixed },
      },
    },
  ],
  Router: (inputs) => ["Router", inputs],
  // Router and region stand in the path.
  RouterNat: ({ router: _, region: __, ...rest }) => ["RouterNat", rest],
  SecurityPolicy: (inputs) => ["SecurityPolicy", inputs],
  SSLPolicy: (inputs) => ["SslPolicy", inputs],
  Subnetwork: ({ logConfig, ...rest }) => [
    "Subnetwork",
    { ...rest, ...(logConfig && { logConfig: { ...logConfig, enable: true } }) },
  ],
  TargetHttpProxy: (inputs) => ["TargetHttpProxy", inputs],
  TargetHttpsProxy: (inputs) => ["TargetHttpsProxy", inputs],
  URLMap: (inputs) => ["UrlMap", inputs],
};

const storage: Readonly<Record<string, Convert>> = {
  Bucket: ({
    uniformBucketLevelAccess: enabled,
    publicAccessPrevention,
    lifecycleRules,
    // The provider's own.
    forceDestroy: _,
    ...rest
  }) => [
    "Bucket",
    {
      ...rest,
      iamConfiguration: { uniformBucketLevelAccess: { enabled }, publicAccessPrevention },
      lifecycle: {
        rule: lifecycleRules.map(
          ({ action, condition: { matchesPrefixes, withState, ...condition } }: Inputs) => ({
            action,
            condition: {
              ...condition,
              ...present({ matchesPrefix: matchesPrefixes, isLive: withState && withState === "LIVE" }),
            },
          }),
        ),
      },
    },
  ],
  BucketIAMMember: ({ bucket: _, member, ...binding }) => [
    "Policy",
    { version: 3, bindings: [{ ...binding, members: [member] }] },
  ],
};

const iam: Readonly<Record<string, Convert>> = {
  Account: ({ accountId, ...serviceAccount }) => [
    "CreateServiceAccountRequest",
    { ...present({ accountId }), serviceAccount },
  ],
  IAMCustomRole: ({ roleId, permissions, ...rest }) => [
    "CreateRoleRequest",
    { roleId, role: { ...rest, includedPermissions: permissions } },
  ],
  IAMMember: ({ serviceAccountId: _, project: __, member, ...binding }) => [
    "SetIamPolicyRequest",
    { policy: { bindings: [{ ...binding, members: [member] }] } },
  ],
};

const budgets: Readonly<Record<string, Convert>> = {
  Budget: ({ billingAccount: _, allUpdatesRule: notificationsRule, ...rest }) => [
    "GoogleCloudBillingBudgetsV1Budget",
    { ...rest, notificationsRule },
  ],
};

const monitoring: Readonly<Record<string, Convert>> = {
  NotificationChannel: (inputs) => ["NotificationChannel", inputs],
};

const serviceusage: Readonly<Record<string, Convert>> = {
  Service: ({ service, disableOnDestroy: _, ...rest }) => [
    "BatchEnableServicesRequest",
    { ...rest, serviceIds: [service] },
  ],
};

const converters: readonly (readonly [RegExp, Api, Readonly<Record<string, Convert>>])[] = [
  [/^gcp:compute\//, "compute.beta", compute],
  [/^gcp:storage\//, "storage.v1", storage],
  [/^gcp:billing\//, "billingbudgets.v1", budgets],
  [/^gcp:monitoring\//, "monitoring.v3", monitoring],
  [/^gcp:projects\/service:/, "serviceusage.v1", serviceusage],
  [/^gcp:(projects|serviceaccount)\//, "iam.v1", iam],
];

/** What a planned resource becomes of its API. @throws when nothing is known of its type */
export function apiObjectOf({ type, inputs = {} }: PlannedResource): ApiObject {
  const [, api, kinds] = converters.find(([pattern]) => pattern.test(type)) ?? [];
  const convert = kinds?.[type.replace(/.*:/, "")];
  if (!api || !convert) throw new Error(`${type} is in no table of test/providers/gcp/api-shapes.ts`);
  const [schema, body] = convert(inputs);
  return { api, schema, body };
}
