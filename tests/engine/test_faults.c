/* Faults, by http. */

#include "tests/lib/engine/faults.h"
#include "tests/lib/gathering.h"

int main(void)
{
    return faults_main(gathering_server_port);
}
