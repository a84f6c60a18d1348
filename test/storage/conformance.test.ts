import { conformance } from "./conformance.ts";
import { storeKinds } from "./stores.ts";

for (const kind of storeKinds) conformance(kind);
