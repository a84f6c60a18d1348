/** Everybody, in IPv4. */
export const anywhere = "0.0.0.0/0";

/** Where Google's health checks and proxies come from (https://cloud.google.com/load-balancing/docs/https#firewall-rules). */
export const proxyRanges = ["130.211.0.0/22", "35.191.0.0/16"] as const;

/** Where SSH comes from that is tunnelled by Identity-Aware Proxy (https://cloud.google.com/iap/docs/using-tcp-forwarding#create-firewall-rule). */
export const iapRange = "35.235.240.0/20";
