// Each from a file of its own: an index of the SDK's would load hundreds of others.
export { OpenIdConnectProvider } from "@pulumi/aws/iam/openIdConnectProvider.js";
export { Policy } from "@pulumi/aws/iam/policy.js";
export { Role } from "@pulumi/aws/iam/role.js";
export { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
export { Provider } from "@pulumi/aws/provider.js";
