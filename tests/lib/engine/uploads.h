#ifndef TESTS_LIB_ENGINE_UPLOADS_H
#define TESTS_LIB_ENGINE_UPLOADS_H

/* Bodies that are sent from descriptors and by pieces, by http and by https. */

#include "tests/lib/gathering.h"

extern const struct gathering_scenario upload_scenarios[];
extern const size_t upload_scenario_count;

#endif
