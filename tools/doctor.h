#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

/* Prints what this machine and process allow: the loop, descriptors, ports, and how to mend what is
 * missing. Returns the exit code: 0 where haul can work, 1 where it cannot. */
int doctor_run(void);

#endif
