/** The dashboard: follows how the service stands, and draws each chart from its own table. */

import { drawCharts } from "./charts.js";
import { refreshed } from "./refreshed.js";

refreshed(drawCharts());
