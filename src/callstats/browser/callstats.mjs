/*! callstats.mjs: `import callstats from "https://…/callstats.mjs"`, the same library as
 * callstats.js. SPDX-License-Identifier: Apache-2.0 */
import "./callstats.js";

const { callstats } = globalThis;

// A script that is imported does not know its own address.
callstats.locate(import.meta.url);

export { callstats };
export default callstats;
