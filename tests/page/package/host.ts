/* A host's program, as TypeScript sees the package; and whether the types say what the element is. */
import { EdgeMeter, type EdgeMeterDetails, type GateName, type StateName } from "edgemeter";
import type { Details, EdgeMeter as Made } from "www/element.js";

const meter = document.createElement("edge-meter");
meter.account = "acme";
meter.view = "what-if";
meter.addEventListener("edge-meter-token-expiring", ({ detail }) => {
  detail.renew(`before ${new Date(detail.expires_at).toISOString()}`);
});
meter.addEventListener("edge-meter-balance", ({ detail }) => console.log(detail.balance));
meter.addEventListener("edge-meter-state", ({ detail }) => {
  const state: StateName = detail.state;
  console.log(state);
});
meter.addEventListener("edge-meter-balance", ({ detail }) => {
  const gate: GateName = detail.gate;
  console.log(gate);
});
meter.addEventListener("click", (event) => console.log(event.target));
console.log(meter instanceof EdgeMeter);

// @ts-expect-error: there is no such view
meter.view = "nothing";
// @ts-expect-error: a balance is a text, so that no digit of it is lost
meter.addEventListener("edge-meter-balance", ({ detail }) => detail.balance.toFixed(2));

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const details: Same<EdgeMeterDetails, Details> = true;
type Property = "source" | "account" | "token" | "locale";
const properties: Same<Pick<EdgeMeter, Property>, Pick<Made, Property>> = true;
console.log(details, properties);
