import * as pulumi from "@pulumi/pulumi";
import type { LayoutInputs } from "./layout.ts";
import type { MachineTagsInputs } from "./machine-tags.ts";

// Each from a file of its own: an index of the SDK's would load hundreds of others.
export { Group } from "@pulumi/aws/autoscaling/group.js";
export { Policy } from "@pulumi/aws/autoscaling/policy.js";
export { MetricAlarm } from "@pulumi/aws/cloudwatch/metricAlarm.js";
export { DefaultSecurityGroup } from "@pulumi/aws/ec2/defaultSecurityGroup.js";
export { Eip } from "@pulumi/aws/ec2/eip.js";
export { FlowLog } from "@pulumi/aws/ec2/flowLog.js";
export { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
export { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
export { LaunchTemplate } from "@pulumi/aws/ec2/launchTemplate.js";
export { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
export { Route } from "@pulumi/aws/ec2/route.js";
export { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
export { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
export { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
export { Subnet } from "@pulumi/aws/ec2/subnet.js";
export { Vpc } from "@pulumi/aws/ec2/vpc.js";
export { VpcEndpoint } from "@pulumi/aws/ec2/vpcEndpoint.js";
export { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
export { Role } from "@pulumi/aws/iam/role.js";
export { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
export { Listener } from "@pulumi/aws/lb/listener.js";
export { ListenerRule } from "@pulumi/aws/lb/listenerRule.js";
export { LoadBalancer } from "@pulumi/aws/lb/loadBalancer.js";
export { TargetGroup } from "@pulumi/aws/lb/targetGroup.js";
export { Bucket } from "@pulumi/aws/s3/bucket.js";
export { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
export { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
export { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
export { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
export { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
export { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
export { Topic } from "@pulumi/aws/sns/topic.js";
export { TopicPolicy } from "@pulumi/aws/sns/topicPolicy.js";
export { TopicSubscription } from "@pulumi/aws/sns/topicSubscription.js";
export { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
export { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";

/** What cannot always be changed in one step; a change that cannot work is refused by the plugin. */
export class Layout extends pulumi.CustomResource {
  constructor(name: string, args: LayoutInputs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:aws:Layout", name, { ...args }, opts);
  }
}

export interface MachineTagsArgs extends Omit<MachineTagsInputs, "group"> {
  readonly group: pulumi.Input<string>;
}

/** Tags of the machines that a group has. */
export class MachineTags extends pulumi.CustomResource {
  constructor(name: string, args: MachineTagsArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:aws:MachineTags", name, { ...args }, opts);
  }
}
