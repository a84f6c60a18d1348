// Each from a file of its own: an index of the SDK's would load hundreds of others.
export { AccountIamMember } from "@pulumi/gcp/billing/accountIamMember.js";
export { WorkloadIdentityPool } from "@pulumi/gcp/iam/workloadIdentityPool.js";
export { WorkloadIdentityPoolProvider } from "@pulumi/gcp/iam/workloadIdentityPoolProvider.js";
export { CryptoKeyIAMMember } from "@pulumi/gcp/kms/cryptoKeyIAMMember.js";
export { IAMCustomRole } from "@pulumi/gcp/projects/iamcustomRole.js";
export { IAMMember as ProjectIAMMember } from "@pulumi/gcp/projects/iammember.js";
export { Service } from "@pulumi/gcp/projects/service.js";
export { Provider } from "@pulumi/gcp/provider.js";
export { Account } from "@pulumi/gcp/serviceaccount/account.js";
export { IAMMember } from "@pulumi/gcp/serviceaccount/iammember.js";
export { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember.js";
