// Workers of this page that are ended in the states of a ring.
import { killSuite } from "../../../test/channels/kill/suite.ts";
import { WebThreads } from "../../../test/channels/threads/web.ts";

killSuite("a page", () => new WebThreads("/program-web.js"), { ways: ["in order"], every: 1 });
