import { type Config, Deployment } from "../test/e2e/deployment.ts";
import { freePort } from "../test/support/ports.ts";

/** Deploys nine machines in two clusters to a cloud of their own, and removes them after the work. */
export async function withNineMachines<T>(
  work: (deployment: Deployment, url: string) => Promise<T>,
  more: Config = {},
): Promise<T> {
  const port = await freePort();
  const deployment = await Deployment.up({
    cloud: "local",
    network: { cidr: "10.90.0.0/16", subnets: [{ cidr: "10.90.1.0/24" }] },
    clusters: [
      { name: "cluster1", min: 5, path: "/cluster1" },
      { name: "cluster2", min: 4, path: "/cluster2" },
    ],
    loadBalancer: { port },
    bucket: { protect: false, empty: true },
    ...more,
  });
  try {
    return await work(deployment, `http://127.0.0.1:${port}`);
  } finally {
    await deployment.remove();
  }
}
