import { locate } from "../../gates/location.ts";

export interface PlaceWarning {
  readonly code: "unknown_state" | "unassigned_area_code";
  readonly detail: string;
}
interface Place {
  readonly state: string | null;
  readonly zip: string | null;
  readonly e164: string;
}

/** Why calling hours will refuse every dial to a lead, whatever the time: told when it is sent, because a dial tells it late. */
export function placeWarnings(place: Place): PlaceWarning[] {
  const location = locate(place);
  const warnings: PlaceWarning[] = [];
  const blocked = "until then calling hours block every dial. PATCH /v1/leads/{id} corrects it.";
  if (location.known_state === null) {
    const lack =
      location.state === null ? "The lead has no state" : "The state is none of the United States or their territories";
    warnings.push({
      code: "unknown_state",
      detail: `${lack}; a ZIP or an area code does not replace it. Give the one in which the person lives, as NY or New York: ${blocked}`,
    });
  } else if (location.zip_is_military) {
    warnings.push({
      code: "unknown_state",
      detail: `The ZIP is a military post office's, which is in no state. Give that of where the person lives: ${blocked}`,
    });
  }
  if (location.area_code_kind === "unassigned") {
    warnings.push({
      code: "unassigned_area_code",
      detail: "The number's area code is not assigned as far as this version knows: calling hours block every dial to it.",
    });
  }
  return warnings;
}
