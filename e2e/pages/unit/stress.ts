// The stress of channels between Workers of this page.
import { stressSuite } from "../../../test/channels/stress/suite.ts";
import { WebThreads } from "../../../test/channels/threads/web.ts";

stressSuite("Workers of a page", () => new WebThreads("/program-web.js"));
