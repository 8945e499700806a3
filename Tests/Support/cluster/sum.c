// One rank of a job: adds the ranks up, and the first says how many there are and what the sum is.
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int rank, size, sum;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  printf("rank %d of %d, sum %d\n", rank, size, sum);
  fflush(stdout);
#ifdef MPICH
  // On busy processors one in ten MPI_Finalize of MPICH 4.0 never returns, with a container and without: a rank spins for
  // something of the others, who wait for all in PMI already.
  MPI_Barrier(MPI_COMM_WORLD);
  _exit(0);
#endif
  MPI_Finalize();
  return 0;
}
