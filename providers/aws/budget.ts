import * as pulumi from "@pulumi/pulumi";
import { Budget, type BudgetArgs } from "../../components/budget.ts";
import { type AwsContext, nameOf, tagsOf } from "./context.ts";
import * as aws from "./resources.ts";

/**
 * Where AWS tells what an account is charged, whichever regions that is for
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html).
 */
const region = "us-east-1";

/** AWS estimates charges several times a day. */
const periodSeconds = 6 * 3600;

/** An alarm on the account's estimated charges of the month, which writes an e-mail through a topic. */
export class AwsBudget extends Budget {
  constructor(
    name: string,
    { amount, currency, email }: BudgetArgs,
    context: AwsContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, opts);
    const parent = { parent: this };
    const given = nameOf(context, "billingTopic");
    // CloudWatch may not use SNS's own key, and what the topic says is no secret.
    const topic = new aws.Topic(
      "BillingAlarm",
      { region, ...(given && { name: given }), tags: tagsOf(context) },
      parent,
    );
    new aws.TopicPolicy(name, { region, arn: topic.arn, policy: policyOf(topic) }, parent);
    new aws.TopicSubscription(name, { region, topic: topic.arn, protocol: "email", endpoint: email }, parent);
    new aws.MetricAlarm(
      name,
      {
        region,
        alarmDescription: `The account's charges of this month reach ${amount} ${currency}.`,
        namespace: "AWS/Billing",
        metricName: "EstimatedCharges",
        dimensions: { Currency: currency },
        statistic: "Maximum",
        period: periodSeconds,
        evaluationPeriods: 1,
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: amount,
        alarmActions: [topic.arn],
        tags: tagsOf(context),
      },
      parent,
    );
    this.registerOutputs({});
  }
}

/** Alarms of this account publish, and nobody does without TLS. */
function policyOf({ arn, owner }: aws.Topic): pulumi.Output<string> {
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "Alarms",
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: arn,
        Condition: {
          StringEquals: { "aws:SourceAccount": owner },
          ArnLike: { "aws:SourceArn": pulumi.interpolate`arn:aws:cloudwatch:${region}:${owner}:alarm:*` },
        },
      },
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "sns:Publish",
        Resource: arn,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}
