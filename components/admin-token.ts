import * as pulumi from "@pulumi/pulumi";

/**
 * A random secret that whoever changes data must present, and its SHA-256, which is all that machines hold. It stays
 * the same until the stack is destroyed.
 */
export class AdminToken extends pulumi.CustomResource {
  /** 256 random bits, base64url; a secret. */
  declare readonly token: pulumi.Output<string>;
  /** Hex SHA-256 of the token's text. */
  declare readonly sha256: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.CustomResourceOptions) {
    const outputs = { token: undefined, sha256: undefined };
    super("switchyard:index:AdminToken", name, outputs, { ...opts, additionalSecretOutputs: ["token"] });
  }
}
