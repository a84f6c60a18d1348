import { runtime } from "@pulumi/pulumi";

// What there is no key for. Copied beside index.ts, this changes resources of any stack (docs/transforms.md).

runtime.registerStackTransformation(({ type, props, opts }) => {
  switch (type) {
    // Connections that send nothing are kept for five minutes, and not for one.
    case "aws:lb/loadBalancer:LoadBalancer":
      return { props: { ...props, idleTimeout: 300 }, opts };
    // An organization's policy that no role may go beyond.
    case "aws:iam/role:Role":
      return {
        props: { ...props, permissionsBoundary: "arn:aws:iam::123456789012:policy/boundary" },
        opts,
      };
    default:
      return undefined;
  }
});
