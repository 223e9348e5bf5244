! SPDX-License-Identifier: MIT
!
! runrig.f90 - runrig for Fortran 2018: pools, segments as pointers, verbs of the
! team, kernels in Fortran.
!
!     type(rig_pool) :: pool
!     type(rig_segment) :: segment
!     real(c_double), pointer :: x(:)
!     integer :: stat
!
!     call pool%create(stat, workers=2)
!     call segment%create(8_c_size_t * 1000, stat, pool)
!     call pool%run(fill, [segment], stat)
!     call segment%get(x)
!
! where a kernel, which every worker calls, is
!
!     function fill(team) bind(c) result(code)
!       type(c_ptr), value :: team
!       integer(c_int) :: code
!       real(c_double), pointer :: x(:)
!       integer(c_size_t) :: first, last
!
!       call rig_team_get(team, 0, x)
!       call rig_team_part(team, size(x, kind=c_size_t), first, last)
!       x(first:last) = 1
!       code = rig_team_barrier(team)
!     end function
!
! Build the file with the program, and link with the flags that pkg-config --libs
! runrig prints.  Each `stat` is 0 or a negative errno; rig_message() has the words.
! Without `stat` an error stops the program with the words.  Threads, waiting and
! errors are as in the headers of C, function by function.
module runrig
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  private

  integer, parameter :: segments_max = 16, reserved_words = 8

  ! Element types of collectives, as enum rig_dtype has them.
  integer(c_int), parameter, public :: RIG_INT8 = 2, RIG_INT16 = 3, &
    RIG_INT32 = 4, RIG_INT64 = 5, RIG_FLOAT32 = 11, RIG_FLOAT64 = 12, &
    RIG_COMPLEX64 = 14, RIG_COMPLEX128 = 15

  ! Operations, as enum rig_op has them.
  integer(c_int), parameter, public :: RIG_SUM = 0, RIG_PROD = 1, RIG_MIN = 2, &
    RIG_MAX = 3, RIG_LAND = 4, RIG_LOR = 5, RIG_LXOR = 6, RIG_BAND = 7, &
    RIG_BOR = 8, RIG_BXOR = 9, RIG_REPRODUCIBLE = 128

  ! Kinds of a list's item, as enum rig_value_kind has them.
  integer(c_int), parameter, public :: RIG_VALUE_NONE = 0, RIG_VALUE_INT = 1, &
    RIG_VALUE_FLOAT = 2, RIG_VALUE_BOOL = 3, RIG_VALUE_STR = 4, &
    RIG_VALUE_BYTES = 5

  ! struct rig_span: begin to end, counted from 0 and without end.
  type, bind(c), public :: rig_span
    integer(c_size_t) :: begin, end
  end type

  ! struct rig_value.
  type, bind(c), public :: rig_value
    integer(c_int) :: kind
    integer(c_int64_t) :: bits
    integer(c_size_t) :: bytes
  end type

  ! struct rig_pool_options.
  type, bind(c), public :: rig_pool_options
    integer(c_int) :: workers = 0
    type(c_ptr) :: place = c_null_ptr
    integer(c_int) :: barrier = 0
    integer(c_size_t) :: trace = 0
    integer(c_int) :: start = 0
    integer(c_int64_t) :: reserved(reserved_words) = 0
  end type

  ! struct rig_segment_options.
  type, bind(c), public :: rig_segment_options
    type(c_ptr) :: pool = c_null_ptr
    type(c_funptr) :: spans = c_null_funptr
    type(c_ptr) :: spans_args = c_null_ptr
    integer(c_size_t) :: spans_args_bytes = 0
    integer(c_int) :: parties = 0
    logical(c_bool) :: keep = .false.
    logical(c_bool) :: read_only = .false.
    integer(c_int64_t) :: deadline_ns = 0
    type(c_ptr) :: memory = c_null_ptr
    integer(c_int) :: pages = 0
    integer(c_size_t) :: most = 0
    integer(c_int64_t) :: reserved(reserved_words - 1) = 0
  end type

  ! struct rig_handed.
  type, bind(c), public :: rig_handed
    type(c_ptr) :: name = c_null_ptr
    integer(c_size_t) :: offset = 0
    integer(c_size_t) :: bytes = 0
    logical(c_bool) :: read_only = .false.
    integer(c_int64_t) :: reserved(reserved_words) = 0
  end type

  ! struct rig_job.
  type, bind(c), public :: rig_job
    type(c_funptr) :: kernel = c_null_funptr
    type(c_ptr) :: name = c_null_ptr
    type(rig_handed) :: segments(segments_max)
    type(c_ptr) :: args = c_null_ptr
    integer(c_size_t) :: args_bytes = 0
    type(c_ptr) :: result = c_null_ptr
    integer(c_size_t) :: result_bytes = 0
    integer(c_int64_t) :: limit_ns = 0
    type(c_funptr) :: owns = c_null_funptr
    integer(c_int64_t) :: reserved(reserved_words) = 0
  end type

  ! Workers, forked once and pinned.
  type, public :: rig_pool
    type(c_ptr) :: c = c_null_ptr
  contains
    procedure :: create => pool_create
    procedure :: size => pool_size
    procedure :: run => pool_run
    procedure :: report => pool_report
    procedure :: destroy => pool_destroy
  end type

  ! A segment in this process.
  type, public :: rig_segment
    type(c_ptr) :: c = c_null_ptr
  contains
    procedure :: create => segment_create
    procedure :: attach => segment_attach
    procedure :: name => segment_name
    procedure :: bytes => segment_bytes
    procedure :: destroy => segment_destroy
    procedure, private :: get_r8, get_r4, get_i8, get_i4, get_i1
    generic :: get => get_r8, get_r4, get_i8, get_i4, get_i1
  end type

  ! A list in shared memory, which Python opens as a ShareableList.  Items are
  ! counted from 0, as in Python.
  type, public :: rig_list
    type(c_ptr) :: c = c_null_ptr
  contains
    procedure :: create => list_create
    procedure :: attach => list_attach
    procedure :: over => list_over
    procedure :: name => list_name
    procedure :: length => list_length
    procedure :: segment => list_segment
    procedure :: repr => list_repr
    procedure :: swap => list_swap
    procedure :: destroy => list_destroy
    procedure, private :: list_get_i8, list_get_r8, list_set_i8, list_set_r8
    generic :: get => list_get_i8, list_get_r8
    generic :: set => list_set_i8, list_set_r8
  end type

  ! Lists that go when the manager does.
  type, public :: rig_manager
    type(c_ptr) :: c = c_null_ptr
  contains
    procedure :: start => manager_start
    procedure :: list => manager_list
    procedure :: shutdown => manager_shutdown
  end type

  abstract interface
    function rig_kernel(team) bind(c) result(code)
      import :: c_ptr, c_int
      type(c_ptr), value :: team
      integer(c_int) :: code
    end function
  end interface

  ! In a kernel: segment `index` (from 0) as a pointer to an array.
  interface rig_team_get
    module procedure team_get_r8, team_get_r4, team_get_i8, team_get_i4
  end interface

  ! Fold an array of all ranks into all ranks' arrays, in place.
  interface rig_team_fold
    module procedure fold_r8, fold_r4, fold_i8, fold_i4
  end interface

  ! Give the root's array to every rank.
  interface rig_team_share
    module procedure share_r8, share_r4, share_i8, share_i4
  end interface

  public :: rig_kernel, rig_team_get, rig_team_part, rig_team_fold, &
    rig_team_share, rig_message
  public :: rig_team_rank, rig_team_size, rig_team_barrier, rig_team_bcast, &
    rig_team_allreduce, rig_team_reduce, rig_team_scan, rig_team_args, &
    rig_team_result

  include 'runrig_c.inc'

  ! The head of struct rig_report, of which the words are taken.
  type, bind(c) :: c_report
    integer(c_int) :: end, rank, code, wait_status
    type(c_ptr) :: kernel
    integer(c_int) :: segment
    integer(c_size_t) :: offset
    integer(c_int) :: size
    type(c_ptr) :: ranks, text
  end type

contains

  ! ---- words ----

  function from_c(text) result(words)
    type(c_ptr), intent(in) :: text
    character(len=:), allocatable :: words
    character(kind=c_char), pointer :: letters(:)
    integer(c_size_t) :: i

    if (.not. c_associated(text)) then
      words = ""
      return
    end if
    call c_f_pointer(text, letters, [c_strlen(text)])
    allocate(character(len=size(letters)) :: words)
    do i = 1, size(letters, kind=c_size_t)
      words(i:i) = letters(i)
    end do
  end function

  ! What was wrong with the last call that failed, as rig_why().
  function rig_message() result(words)
    character(len=:), allocatable :: words

    words = from_c(c_why())
  end function

  ! Hand the code to the caller, or stop where the caller does not ask.
  subroutine finish(code, stat)
    integer(c_int), intent(in) :: code
    integer, intent(out), optional :: stat

    if (present(stat)) then
      stat = code
    else if (code < 0) then
      write (error_unit, '(2a)') "runrig: ", rig_message()
      error stop 1
    end if
  end subroutine

  ! ---- pools ----

  subroutine pool_create(self, stat, workers)
    class(rig_pool), intent(inout) :: self
    integer, intent(out), optional :: stat
    integer, intent(in), optional :: workers
    type(rig_pool_options) :: options

    if (present(workers)) options%workers = int(workers, c_int)
    call finish(c_pool_create(self%c, options), stat)
  end subroutine

  integer function pool_size(self) result(workers)
    class(rig_pool), intent(in) :: self

    workers = c_pool_size(self%c)
  end function

  ! Run a kernel on every worker over segments; `args` and `result` are variables
  ! of types that C could have: scalars, arrays or bind(c) types.
  subroutine pool_run(self, kernel, segments, stat, args, args_bytes, &
    result, result_bytes)
    class(rig_pool), intent(in) :: self
    procedure(rig_kernel) :: kernel
    type(rig_segment), intent(in) :: segments(:)
    integer, intent(out), optional :: stat
    type(*), intent(in), target, optional :: args
    integer(c_size_t), intent(in), optional :: args_bytes
    type(*), target, optional :: result
    integer(c_size_t), intent(in), optional :: result_bytes
    type(rig_job) :: job
    integer :: i

    if (size(segments) > segments_max) then
      call finish(-7_c_int, stat) ! E2BIG
      return
    end if
    job%kernel = c_funloc(kernel)
    do i = 1, size(segments)
      job%segments(i)%name = c_segment_name(segments(i)%c)
    end do
    if (present(args) .and. present(args_bytes)) then
      job%args = c_loc(args)
      job%args_bytes = args_bytes
    end if
    if (present(result) .and. present(result_bytes)) then
      job%result = c_loc(result)
      job%result_bytes = result_bytes
    end if
    call finish(c_pool_run(self%c, job), stat)
  end subroutine

  ! How the last run ended, in words.
  function pool_report(self) result(words)
    class(rig_pool), intent(in) :: self
    character(len=:), allocatable :: words
    type(c_report), pointer :: report
    type(c_ptr) :: c

    words = ""
    c = c_pool_report(self%c)
    if (.not. c_associated(c)) return
    call c_f_pointer(c, report)
    words = from_c(report%text)
  end function

  subroutine pool_destroy(self)
    class(rig_pool), intent(inout) :: self

    call c_pool_destroy(self%c)
    self%c = c_null_ptr
  end subroutine

  ! ---- segments ----

  ! Make a segment of zeroed bytes under a fresh name; with a pool its workers
  ! populate the pages.
  subroutine segment_create(self, bytes, stat, pool, name)
    class(rig_segment), intent(inout) :: self
    integer(c_size_t), intent(in) :: bytes
    integer, intent(out), optional :: stat
    type(rig_pool), intent(in), optional :: pool
    character(len=*), intent(in), optional :: name
    type(rig_segment_options) :: options
    character(kind=c_char), allocatable, target :: letters(:)
    type(c_ptr) :: called

    called = c_null_ptr
    if (present(pool)) options%pool = pool%c
    if (present(name)) then
      allocate (letters, source=to_c(name))
      called = c_loc(letters)
    end if
    call finish(c_segment_create(self%c, called, bytes, options), stat)
  end subroutine

  pure function to_c(text) result(letters)
    character(len=*), intent(in) :: text
    character(kind=c_char) :: letters(len_trim(text) + 1)
    integer :: i

    do i = 1, len_trim(text)
      letters(i) = text(i:i)
    end do
    letters(size(letters)) = c_null_char
  end function

  subroutine segment_attach(self, name, stat)
    class(rig_segment), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer, intent(out), optional :: stat
    type(rig_segment_options) :: options

    call finish(c_segment_attach(self%c, to_c(name), options), stat)
  end subroutine

  function segment_name(self) result(words)
    class(rig_segment), intent(in) :: self
    character(len=:), allocatable :: words

    words = from_c(c_segment_name(self%c))
  end function

  integer(c_size_t) function segment_bytes(self) result(bytes)
    class(rig_segment), intent(in) :: self

    bytes = c_segment_bytes(self%c)
  end function

  subroutine segment_destroy(self)
    class(rig_segment), intent(inout) :: self

    call c_segment_destroy(self%c)
    self%c = c_null_ptr
  end subroutine

  subroutine get_r8(self, x)
    class(rig_segment), intent(in) :: self
    real(c_double), pointer, intent(out) :: x(:)

    call c_f_pointer(c_segment_data(self%c), x, [self%bytes() / 8])
  end subroutine

  subroutine get_r4(self, x)
    class(rig_segment), intent(in) :: self
    real(c_float), pointer, intent(out) :: x(:)

    call c_f_pointer(c_segment_data(self%c), x, [self%bytes() / 4])
  end subroutine

  subroutine get_i8(self, x)
    class(rig_segment), intent(in) :: self
    integer(c_int64_t), pointer, intent(out) :: x(:)

    call c_f_pointer(c_segment_data(self%c), x, [self%bytes() / 8])
  end subroutine

  subroutine get_i4(self, x)
    class(rig_segment), intent(in) :: self
    integer(c_int32_t), pointer, intent(out) :: x(:)

    call c_f_pointer(c_segment_data(self%c), x, [self%bytes() / 4])
  end subroutine

  subroutine get_i1(self, x)
    class(rig_segment), intent(in) :: self
    integer(c_int8_t), pointer, intent(out) :: x(:)

    call c_f_pointer(c_segment_data(self%c), x, [self%bytes()])
  end subroutine

  include 'runrig_team.inc'
  include 'runrig_list.inc'
end module
