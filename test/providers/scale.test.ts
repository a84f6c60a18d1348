// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { expect, test } from "vitest";
import { planStack } from "../support/plan.ts";

const loadBalancer = { allow: ["203.0.113.0/24"] };
const scaled = {
  loadBalancer,
  clusters: [
    { name: "web", min: 2, max: 6, scale: { cpu: 55 } },
    { name: "jobs", min: 1, max: 3, path: "/jobs" },
  ],
  controller: { allow: ["203.0.113.0/24"], flavors: { large: "large" }, schedules: [] },
};

test("on AWS a policy sets the size by the load, of the cluster alone, by metrics of each minute", async () => {
  const plan = await planStack("aws", { ...scaled, machines: undefined });
  const [policy, ...others] = plan.byType("Policy");
  expect(others).toEqual([]);
  expect(policy?.inputs).toEqual({
    autoscalingGroupName: "${Group:web.name}",
    estimatedInstanceWarmup: 120,
    policyType: "TargetTrackingScaling",
    targetTrackingConfiguration: {
      predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" },
      targetValue: 55,
    },
  });
  expect(plan.get("Group::web")).toMatchObject({
    ignoreChanges: ["desiredCapacity"],
    inputs: { minSize: 2, maxSize: 6 },
  });
  const monitored = plan.byType("LaunchTemplate").filter(({ inputs }) => inputs?.monitoring);
  expect(monitored.map(({ urn, inputs }) => [urn.split("::").at(-1), inputs?.monitoring])).toEqual([
    ["web", { enabled: true }],
  ]);
});

test("on Google Cloud the cluster's autoscaler is on, and nobody else's", async () => {
  const plan = await planStack("gcp", { ...scaled, machines: undefined });
  const policies = plan
    .byType("RegionAutoscaler")
    .map(({ urn, inputs }) => [urn.split("::").at(-1), inputs?.autoscalingPolicy]);
  expect(Object.fromEntries(policies)).toMatchObject({
    web: {
      mode: "ON",
      minReplicas: 2,
      maxReplicas: 6,
      cpuUtilization: { target: 0.55 },
      cooldownPeriod: 120,
    },
    jobs: { mode: "OFF" },
  });
  expect(plan.get("RegionInstanceGroupManager::web").ignoreChanges).toEqual(["targetSize"]);
});

test("on this machine the control plane is told, and asked for no size", async () => {
  const plan = await planStack("local", { ...scaled, loadBalancer: {}, controller: undefined });
  const { inputs } = plan.get("MachineGroup::web");
  expect(inputs).toMatchObject({ min: 2, max: 6, scale: { cpu: 55 } });
  expect(inputs).not.toHaveProperty("desired");
  expect(plan.get("MachineGroup::jobs").inputs).not.toHaveProperty("scale");
});
