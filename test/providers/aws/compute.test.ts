import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  CreateLaunchConfigurationCommand,
} from "@aws-sdk/client-auto-scaling";
import { DescribeImagesCommand, DescribeSubnetsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openAwsCompute } from "../../../service/compute/aws.ts";
import type { Compute } from "../../../service/compute/compute.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { type MotoServer, startMoto } from "../../servers/moto.ts";

const group = "app-standard-1a2b3c4";

describe.skipIf(!isInstalled(serverPackages.aws))("the controller's calls, against moto", () => {
  let moto: MotoServer;
  let compute: Compute;
  let image: string;

  beforeAll(async () => {
    moto = await startMoto();
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    const settings = { region: moto.region, endpoint: moto.endpoint };
    const [scaling, ec2] = [new AutoScalingClient(settings), new EC2Client(settings)];
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({}));
    image = Images[0]?.ImageId ?? "";
    const LaunchConfigurationName = "template";
    const machine = { LaunchConfigurationName, ImageId: image, InstanceType: "t3.small" };
    await scaling.send(new CreateLaunchConfigurationCommand(machine));
    await scaling.send(
      new CreateAutoScalingGroupCommand({
        AutoScalingGroupName: group,
        LaunchConfigurationName,
        MinSize: 0,
        MaxSize: 3,
        DesiredCapacity: 0,
        VPCZoneIdentifier: Subnets[0]?.SubnetId,
      }),
    );
    compute = openAwsCompute({ ...settings, images: [image, "resolve:ssm:/some/parameter"] });
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.stop();
  });

  it("set the size of a group, and see what came of it", async () => {
    expect(await compute.groups([group, "gone"])).toEqual([{ id: group, size: 0, running: 0 }]);
    await compute.resize(group, 2);
    await compute.resize(group, 2);
    expect(await compute.groups([group])).toEqual([{ id: group, size: 2, running: 2 }]);
    await compute.resize(group, 0);
    expect(await compute.groups([group])).toEqual([{ id: group, size: 0, running: 0 }]);
    expect(await compute.groups([])).toEqual([]);
  });

  it("fail for a group that is gone", async () => {
    await expect(compute.resize("gone", 1)).rejects.toThrow();
  });

  it("list what schedules may name", async () => {
    expect((await compute.images()).map(({ id }) => id)).toEqual([image]);
    expect(await compute.flavors()).toContainEqual(
      expect.objectContaining({ id: "t3.small", processors: 2, memoryMiB: 2048 }),
    );
    expect(await compute.networks()).toContainEqual(expect.objectContaining({ cidr: "172.31.0.0/16" }));
  });
});
