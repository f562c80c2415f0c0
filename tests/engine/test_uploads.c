/* Bodies that are sent from descriptors and by pieces, by http. */

#include "tests/lib/engine/uploads.h"

int main(void)
{
    return gathering_main(NULL, 0, upload_scenarios, upload_scenario_count);
}
