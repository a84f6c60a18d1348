// Every cloud: a folder beside this file, and a line in it.
export { cloud as aws } from "./aws/index.ts";
export { cloud as gcp } from "./gcp/index.ts";
export { cloud as local } from "./local/index.ts";
export { cloud as openstack } from "./openstack/index.ts";
