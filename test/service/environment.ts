/** An environment in which the app starts, on a free port of the loopback address. */
export const environment = {
  PROJECT: "day02",
  CLUSTER: "cluster1",
  CLUSTER_PATH: "/cluster1",
  ROOT: "greeting",
  HOST: "127.0.0.1",
  PORT: "0",
  DRAIN_SECONDS: "30",
  PUBLIC: "false",
  ADMIN_TOKEN_SHA256: "a".repeat(64),
  TRUSTED_PROXIES: "127.0.0.0/8,::1/128,100.64.0.0/16",
  INSTANCE_ID: "i-0123456789",
  RELEASE: "b".repeat(64),
};
