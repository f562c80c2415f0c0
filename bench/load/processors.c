/* Reads what the kernel counts of processors. The hard idea is to ask for the time that nobody had:
 * that is measured where a processor goes to sleep, while the time that somebody had may be counted
 * in ticks of 4 ms, which a client that wakes with the tick would never be seen in. */

#include "bench/load/processors.h"

#include "bench/load/client.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* "cpu0 user nice system idle iowait irq softirq steal …" (proc_stat(5)). Stolen time nobody here
 * had. */
static double idle_s(const cpu_set_t *set)
{
    FILE *file = fopen("/proc/stat", "re");
    double ticks = 0;
    int number, found = 0;
    unsigned long long idle, waiting, stolen;
    char line[512];
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "cpu%d %*u %*u %*u %llu %llu %*u %*u %llu", &number, &idle, &waiting,
                   &stolen) == 4 &&
            number >= 0 && number < CPU_SETSIZE && CPU_ISSET(number, set)) {
            ticks += (double)(idle + waiting + stolen);
            found++;
        }
    if (file)
        fclose(file);
    return found > 0 && found == CPU_COUNT(set) ? ticks / (double)sysconf(_SC_CLK_TCK) : -1;
}

struct processors_time processors_time(const cpu_set_t *set)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (struct processors_time){
        .idle_s = idle_s(set),
        .own_s = seconds(&usage.ru_utime) + seconds(&usage.ru_stime),
        .now_ns = client_now_ns(),
    };
}

double processors_others(const struct processors_time *from, const struct processors_time *to,
                         uint32_t count)
{
    double time_s = (double)(to->now_ns - from->now_ns) / 1e9 * count;
    double used_s = to->idle_s - from->idle_s + to->own_s - from->own_s;
    if (from->idle_s < 0 || to->idle_s < 0 || time_s <= 0)
        return -1;
    return used_s < time_s ? (time_s - used_s) / time_s : 0;
}
