/** Administrators' pages that follow what they show. */

import { refreshed } from "./refreshed.js";

refreshed();
