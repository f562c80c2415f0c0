/* Faults, by http. */

#include "tests/faults.h"
#include "tests/gathering.h"

int main(void)
{
    return faults_main(gathering_server_port);
}
