const hl7 = require("simple-hl7");
const port = Number(process.argv[2]), count = Number(process.argv[3]);
const client = hl7.Server.createTcpClient({ host: "127.0.0.1", port, keepalive: true });
const parser = new hl7.Parser();
const answers = [];
function send(n) {
  const message = parser.parse("MSH|^~\\&|NODE|NORTH|HUB|ENGINE|20260101120000||ADT^A01|S" + n + "|P|2.5.1\rPID|1||P" + n + "^^^NORTH^MR||TEST^ONE");
  client.send(message, (error, ack) => {
    if (error) { console.error(String(error)); process.exit(1); }
    const msa = ack.getSegment("MSA");
    answers.push([String(msa.getField(1)), String(msa.getField(2))]);
    if (answers.length === count) { console.log(JSON.stringify(answers)); process.exit(0); }
    setImmediate(() => send(n + 1));
  });
}
send(0);
