import { OpenstackApi } from "../../service/compute/openstack/api.ts";
import { loginOf } from "./login.ts";
import type { OpenstackOperator } from "./outputs.ts";

/** OpenStack's services, asked with the operator's own login. */
export function servicesOf(place: Pick<OpenstackOperator, "authUrl" | "region">): OpenstackApi {
  let login: ReturnType<typeof loginOf> | undefined;
  return new OpenstackApi(() => {
    login ??= loginOf(place);
    return login;
  });
}
