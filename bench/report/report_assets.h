#ifndef BENCH_REPORT_REPORT_ASSETS_H
#define BENCH_REPORT_REPORT_ASSETS_H

/* What bench/report/embed.py makes of report.css, report.js and the chart library when haul is
 * built: text that may stand between two tags as it is. */

extern const char report_style[];
extern const char report_script[];

/* A Content-Security-Policy under which these two work, and nothing else does. */
extern const char report_policy[];

#endif
