// Workers of this page that write garbage into a ring while the page uses it.
import { hostileSuite } from "../../../test/channels/hostile/suite.ts";
import { WebThreads } from "../../../test/channels/threads/web.ts";

hostileSuite("a page", () => new WebThreads("/program-web.js"));
