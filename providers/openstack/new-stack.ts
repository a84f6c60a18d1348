import { type NewStack, networkIn } from "../../config/new-stack.ts";

export const newStack: NewStack = {
  questions: [
    { flag: "auth-url", text: "Keystone's URL (OS_AUTH_URL of the cloud's openrc file)" },
    { flag: "region", text: "region (OS_REGION_NAME)", default: "RegionOne" },
    { flag: "external-network", text: "id of the external network (openstack network list --external)" },
    { flag: "external-network-name", text: "its name", default: "public" },
    { flag: "image", text: "name of the machines' image (openstack image list)", default: "Ubuntu 24.04" },
  ],
  config: (answers) => ({
    "openstack:authUrl": answers["auth-url"],
    "openstack:region": answers.region,
    "openstack:useOctavia": true,
    "switchyard:openstack": {
      externalNetwork: { id: answers["external-network"], name: answers["external-network-name"] },
      image: answers.image,
    },
    "switchyard:network": networkIn([undefined]),
  }),
};
