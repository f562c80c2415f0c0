/* What hosts may have, by http. */

#include "tests/lib/engine/limits.h"
#include "tests/lib/gathering.h"

int main(void)
{
    gathering_apart();
    return limits_main(gathering_server_port);
}
