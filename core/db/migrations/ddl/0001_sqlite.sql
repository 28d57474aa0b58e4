CREATE TABLE access_log (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	access_id VARCHAR(32) NOT NULL, 
	operator_id VARCHAR(32), 
	account_id VARCHAR(40), 
	purpose VARCHAR(40) NOT NULL, 
	case_id VARCHAR(32), 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_access_log PRIMARY KEY (district, person_id, access_id)
)
--;
CREATE INDEX ix_access_log_person_id_at ON access_log (person_id, at)
--;
CREATE TABLE account (
	account_id VARCHAR(40) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	window VARCHAR(12) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	state VARCHAR(10) DEFAULT 'active' NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	unit_id BIGINT, 
	person_id BIGINT, 
	community VARCHAR(12), 
	parent_account_id VARCHAR(40), 
	rights VARCHAR(1000) DEFAULT '*' NOT NULL, 
	display_name VARCHAR(100) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	must_change BOOLEAN NOT NULL, 
	password_set_at BIGINT NOT NULL, 
	grants_valid_from BIGINT NOT NULL, 
	last_login_at BIGINT, 
	created_at BIGINT NOT NULL, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_account PRIMARY KEY (account_id), 
	CONSTRAINT ck_account_kind CHECK (kind IN ('unit', 'community', 'person')), 
	CONSTRAINT ck_account_state CHECK (state IN ('active', 'disabled'))
)
--;
CREATE INDEX ix_account_person_id ON account (person_id)
--;
CREATE INDEX ix_account_unit_id ON account (unit_id)
--;
CREATE UNIQUE INDEX ix_account_window_user_name ON account (window, user_name)
--;
CREATE TABLE agreement (
	district VARCHAR(6) NOT NULL, 
	agreement_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	account_id VARCHAR(40), 
	unit_id BIGINT, 
	person_id BIGINT, 
	operator_id VARCHAR(32) NOT NULL, 
	signed_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_agreement PRIMARY KEY (district, agreement_id)
)
--;
CREATE TABLE answer_outbox (
	request_id BLOB NOT NULL, 
	queued_at BIGINT NOT NULL, 
	CONSTRAINT pk_answer_outbox PRIMARY KEY (request_id)
)
--;
CREATE TABLE applied (
	district VARCHAR(6) NOT NULL, 
	request_id BLOB NOT NULL, 
	header_digest BLOB NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	status BIGINT NOT NULL, 
	answer_header BLOB NOT NULL, 
	answer_content BLOB NOT NULL, 
	reply_to VARCHAR(40) NOT NULL, 
	lane VARCHAR(12) NOT NULL, 
	applied_at BIGINT NOT NULL, 
	CONSTRAINT pk_applied PRIMARY KEY (district, request_id)
)
--;
CREATE UNIQUE INDEX ix_applied_request_id ON applied (request_id)
--;
CREATE TABLE appointment (
	district VARCHAR(6) NOT NULL, 
	appointment_id VARCHAR(32) NOT NULL, 
	department VARCHAR(20) NOT NULL, 
	day VARCHAR(8) NOT NULL, 
	starts VARCHAR(4) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	booked_at BIGINT NOT NULL, 
	CONSTRAINT pk_appointment PRIMARY KEY (district, appointment_id), 
	CONSTRAINT ck_appointment_state CHECK (state IN ('booked', 'cancelled', 'kept', 'missed'))
)
--;
CREATE INDEX ix_appointment_account_id ON appointment (account_id)
--;
CREATE TABLE appointment_slot (
	district VARCHAR(6) NOT NULL, 
	department VARCHAR(20) NOT NULL, 
	day VARCHAR(8) NOT NULL, 
	starts VARCHAR(4) NOT NULL, 
	places BIGINT NOT NULL, 
	places_left BIGINT NOT NULL, 
	CONSTRAINT pk_appointment_slot PRIMARY KEY (district, department, day, starts), 
	CONSTRAINT ck_appointment_slot_no_overbooking CHECK (places_left >= 0 AND places_left <= places)
)
--;
CREATE TABLE audit_entry (
	chain VARCHAR(20) NOT NULL, 
	entry_no BIGINT NOT NULL, 
	previous BLOB NOT NULL, 
	entry BLOB NOT NULL, 
	entry_hash BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_audit_entry PRIMARY KEY (chain, entry_no)
)
--;
CREATE TABLE card (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	card_number VARCHAR(20) NOT NULL, 
	state VARCHAR(2) DEFAULT '1' NOT NULL, 
	issued_at BIGINT, 
	CONSTRAINT pk_card PRIMARY KEY (district, person_id, card_number)
)
--;
CREATE TABLE desk (
	district VARCHAR(6) NOT NULL, 
	desk_id VARCHAR(32) NOT NULL, 
	name VARCHAR(50) NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT pk_desk PRIMARY KEY (district, desk_id)
)
--;
CREATE TABLE draw_key (
	day VARCHAR(8) NOT NULL, 
	commitment BLOB NOT NULL, 
	secret BLOB NOT NULL, 
	committed_at BIGINT NOT NULL, 
	revealed_at BIGINT, 
	CONSTRAINT pk_draw_key PRIMARY KEY (day)
)
--;
CREATE TABLE ended_grant (
	grant_id VARCHAR(64) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	ended_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_ended_grant PRIMARY KEY (grant_id)
)
--;
CREATE INDEX ix_ended_grant_expires_at ON ended_grant (expires_at)
--;
CREATE TABLE enrolment (
	unit_id BIGINT NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	since INTEGER NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	person_district VARCHAR(6) NOT NULL, 
	kind VARCHAR(10) DEFAULT 'employee' NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	until INTEGER, 
	wage_fen BIGINT DEFAULT '0' NOT NULL, 
	base_fen BIGINT DEFAULT '0' NOT NULL, 
	tier VARCHAR(4), 
	case_id VARCHAR(32), 
	version BIGINT DEFAULT '1' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_enrolment PRIMARY KEY (unit_id, person_id, insurance, since, entry), 
	CONSTRAINT ck_enrolment_state CHECK (state IN ('submitted', 'active', 'suspended', 'ended', 'withdrawn')), 
	CONSTRAINT ck_enrolment_kind CHECK (kind IN ('employee', 'flexible')), 
	CONSTRAINT ck_enrolment_since_month CHECK (since BETWEEN 199001 AND 219912 AND since - (since / 100) * 100 BETWEEN 1 AND 12), 
	CONSTRAINT ck_enrolment_amounts CHECK (base_fen >= 0 AND wage_fen >= 0)
)
--;
CREATE INDEX ix_enrolment_case ON enrolment (case_id) WHERE case_id IS NOT NULL
--;
CREATE INDEX ix_enrolment_person_id_insurance ON enrolment (person_id, insurance)
--;
CREATE INDEX ix_enrolment_unit_id_insurance_state ON enrolment (unit_id, insurance, state)
--;
CREATE UNIQUE INDEX uq_enrolment_live ON enrolment (unit_id, person_id, insurance) WHERE state IN ('active', 'submitted', 'suspended')
--;
CREATE TABLE feedback (
	district VARCHAR(6) NOT NULL, 
	feedback_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	case_id VARCHAR(32), 
	subject VARCHAR(100) NOT NULL, 
	body VARCHAR(2000) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	level BIGINT DEFAULT '1' NOT NULL, 
	due_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_feedback PRIMARY KEY (district, feedback_id), 
	CONSTRAINT ck_feedback_state CHECK (state IN ('open', 'answered', 'escalated', 'closed')), 
	CONSTRAINT ck_feedback_level CHECK (level BETWEEN 1 AND 3)
)
--;
CREATE TABLE held_request (
	held_id VARCHAR(32) NOT NULL, 
	request_id BLOB, 
	header_digest BLOB, 
	bundle VARCHAR(120) NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	state VARCHAR(10) DEFAULT 'held' NOT NULL, 
	released_by VARCHAR(32), 
	released_with VARCHAR(32), 
	held_at BIGINT NOT NULL, 
	CONSTRAINT pk_held_request PRIMARY KEY (held_id), 
	CONSTRAINT ck_held_request_state CHECK (state IN ('held', 'released', 'discarded'))
)
--;
CREATE INDEX ix_held_request_state_held_at ON held_request (state, held_at)
--;
CREATE TABLE lane_position (
	lane VARCHAR(40) NOT NULL, 
	epoch BIGINT NOT NULL, 
	sequence BIGINT NOT NULL, 
	last_digest BLOB, 
	CONSTRAINT pk_lane_position PRIMARY KEY (lane)
)
--;
CREATE TABLE late_fee (
	unit_id BIGINT NOT NULL, 
	fee_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	principal_fen BIGINT DEFAULT '0' NOT NULL, 
	days BIGINT NOT NULL, 
	fee_fen BIGINT DEFAULT '0' NOT NULL, 
	case_id VARCHAR(32), 
	computed_at BIGINT NOT NULL, 
	CONSTRAINT pk_late_fee PRIMARY KEY (unit_id, fee_id), 
	CONSTRAINT ck_late_fee_ceiling CHECK (fee_fen <= principal_fen)
)
--;
CREATE TABLE login_guard (
	subject VARCHAR(80) NOT NULL, 
	failures BIGINT DEFAULT '0' NOT NULL, 
	last_failed_at BIGINT NOT NULL, 
	not_before BIGINT NOT NULL, 
	CONSTRAINT pk_login_guard PRIMARY KEY (subject)
)
--;
CREATE TABLE medical_use (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	use_no BIGINT NOT NULL, 
	institution VARCHAR(100) NOT NULL, 
	institution_district VARCHAR(6) NOT NULL, 
	total_fen BIGINT DEFAULT '0' NOT NULL, 
	account_fen BIGINT DEFAULT '0' NOT NULL, 
	fund_fen BIGINT DEFAULT '0' NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT pk_medical_use PRIMARY KEY (district, person_id, use_no)
)
--;
CREATE TABLE notice (
	notice_id VARCHAR(32) NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	title VARCHAR(100) NOT NULL, 
	body VARCHAR(8000) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	published_at BIGINT, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_notice PRIMARY KEY (notice_id), 
	CONSTRAINT ck_notice_state CHECK (state IN ('draft', 'published', 'withdrawn'))
)
--;
CREATE TABLE number_series (
	name VARCHAR(32) NOT NULL, 
	next_number BIGINT NOT NULL, 
	CONSTRAINT pk_number_series PRIMARY KEY (name)
)
--;
CREATE TABLE period_lock (
	district VARCHAR(6) NOT NULL, 
	period INTEGER NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	operator_id VARCHAR(32), 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_period_lock PRIMARY KEY (district, period), 
	CONSTRAINT ck_period_lock_state CHECK (state IN ('open', 'closed'))
)
--;
CREATE TABLE person (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	id_type VARCHAR(2) DEFAULT '01' NOT NULL, 
	id_number VARCHAR(20) NOT NULL, 
	name VARCHAR(50) NOT NULL, 
	sex VARCHAR(1) NOT NULL, 
	birth_day BIGINT NOT NULL, 
	phone VARCHAR(20), 
	address VARCHAR(200), 
	household VARCHAR(2) DEFAULT '10' NOT NULL, 
	participation VARCHAR(1) DEFAULT '1' NOT NULL, 
	first_enrolled INTEGER, 
	pooling_area VARCHAR(10), 
	alive BOOLEAN NOT NULL, 
	case_id VARCHAR(32), 
	version BIGINT DEFAULT '1' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_person PRIMARY KEY (district, person_id)
)
--;
CREATE UNIQUE INDEX ix_person_person_id ON person (person_id)
--;
CREATE TABLE person_identity (
	id_number VARCHAR(20) NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	CONSTRAINT pk_person_identity PRIMARY KEY (id_number)
)
--;
CREATE UNIQUE INDEX ix_person_identity_person_id ON person_identity (person_id)
--;
CREATE TABLE person_merge (
	district VARCHAR(6) NOT NULL, 
	merge_id BIGINT NOT NULL, 
	from_person_id BIGINT NOT NULL, 
	into_person_id BIGINT NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	merged_at BIGINT NOT NULL, 
	CONSTRAINT pk_person_merge PRIMARY KEY (district, merge_id)
)
--;
CREATE TABLE personal_account_entry (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	entry_no BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	amount_fen BIGINT DEFAULT '0' NOT NULL, 
	interest_fen BIGINT DEFAULT '0' NOT NULL, 
	source VARCHAR(20) NOT NULL, 
	booked_at BIGINT NOT NULL, 
	CONSTRAINT pk_personal_account_entry PRIMARY KEY (district, person_id, kind, entry_no), 
	CONSTRAINT ck_personal_account_entry_kind CHECK (kind IN ('pension', 'medical'))
)
--;
CREATE TABLE posting (
	unit_id BIGINT NOT NULL, 
	receipt_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	amount_fen BIGINT DEFAULT '0' NOT NULL, 
	posted_at BIGINT NOT NULL, 
	CONSTRAINT pk_posting PRIMARY KEY (unit_id, receipt_id, period, person_id, insurance, kind, entry)
)
--;
CREATE TABLE receipt (
	unit_id BIGINT NOT NULL, 
	receipt_id BIGINT NOT NULL, 
	channel VARCHAR(12) NOT NULL, 
	bank_reference VARCHAR(40) NOT NULL, 
	amount_fen BIGINT DEFAULT '0' NOT NULL, 
	received_at BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	CONSTRAINT pk_receipt PRIMARY KEY (unit_id, receipt_id)
)
--;
CREATE UNIQUE INDEX ix_receipt_unit_id_channel_bank_reference ON receipt (unit_id, channel, bank_reference)
--;
CREATE TABLE receivable (
	unit_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	kind VARCHAR(10) DEFAULT 'normal' NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	booked_in INTEGER NOT NULL, 
	base_fen BIGINT DEFAULT '0' NOT NULL, 
	employer_fen BIGINT DEFAULT '0' NOT NULL, 
	employee_fen BIGINT DEFAULT '0' NOT NULL, 
	state VARCHAR(12) DEFAULT 'open' NOT NULL, 
	case_id VARCHAR(32), 
	CONSTRAINT pk_receivable PRIMARY KEY (unit_id, period, person_id, insurance, kind, entry), 
	CONSTRAINT ck_receivable_state CHECK (state IN ('open', 'paid', 'written_off')), 
	CONSTRAINT ck_receivable_kind CHECK (kind IN ('normal', 'supplement', 'gap')), 
	CONSTRAINT ck_receivable_period_month CHECK (period BETWEEN 199001 AND 219912 AND period - (period / 100) * 100 BETWEEN 1 AND 12), 
	CONSTRAINT ck_receivable_amounts CHECK (base_fen >= 0 AND employer_fen >= 0 AND employee_fen >= 0)
)
--;
CREATE INDEX ix_receivable_person_id_period ON receivable (person_id, period)
--;
CREATE TABLE reference_base (
	pooling_area VARCHAR(10) NOT NULL, 
	first_month INTEGER NOT NULL, 
	last_month INTEGER, 
	average_wage_fen BIGINT DEFAULT '0' NOT NULL, 
	floor_fen BIGINT DEFAULT '0' NOT NULL, 
	ceiling_fen BIGINT DEFAULT '0' NOT NULL, 
	verified BOOLEAN NOT NULL, 
	illustrative BOOLEAN NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	loaded_by VARCHAR(32) NOT NULL, 
	loaded_at BIGINT NOT NULL, 
	CONSTRAINT pk_reference_base PRIMARY KEY (pooling_area, first_month), 
	CONSTRAINT ck_reference_base_limits CHECK (floor_fen <= ceiling_fen)
)
--;
CREATE TABLE reference_code (
	list_name VARCHAR(20) NOT NULL, 
	code VARCHAR(12) NOT NULL, 
	first_month INTEGER NOT NULL, 
	last_month INTEGER, 
	label_zh VARCHAR(100) NOT NULL, 
	label_en VARCHAR(100) NOT NULL, 
	verified BOOLEAN NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_reference_code PRIMARY KEY (list_name, code, first_month)
)
--;
CREATE TABLE reference_rate (
	insurance VARCHAR(3) NOT NULL, 
	scheme VARCHAR(12) NOT NULL, 
	first_month INTEGER NOT NULL, 
	last_month INTEGER, 
	employer_basis_points BIGINT NOT NULL, 
	employee_basis_points BIGINT NOT NULL, 
	employee_fixed_fen BIGINT DEFAULT '0' NOT NULL, 
	verified BOOLEAN NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	loaded_by VARCHAR(32) NOT NULL, 
	loaded_at BIGINT NOT NULL, 
	CONSTRAINT pk_reference_rate PRIMARY KEY (insurance, scheme, first_month)
)
--;
CREATE TABLE review_flow (
	service VARCHAR(40) NOT NULL, 
	version BIGINT NOT NULL, 
	roles VARCHAR(60) NOT NULL, 
	audit_per_mille BIGINT DEFAULT '50' NOT NULL, 
	due_hours BIGINT DEFAULT '8' NOT NULL, 
	valid_from BIGINT NOT NULL, 
	CONSTRAINT pk_review_flow PRIMARY KEY (service, version)
)
--;
CREATE TABLE service_case (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	reference VARCHAR(40) NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	service_version BIGINT DEFAULT '1' NOT NULL, 
	window VARCHAR(12) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	unit_id BIGINT, 
	person_id BIGINT, 
	state VARCHAR(12) NOT NULL, 
	approval VARCHAR(10) NOT NULL, 
	period INTEGER NOT NULL, 
	parts_expected BIGINT DEFAULT '1' NOT NULL, 
	parts_received BIGINT DEFAULT '1' NOT NULL, 
	rows_total BIGINT DEFAULT '1' NOT NULL, 
	rows_failed BIGINT DEFAULT '0' NOT NULL, 
	reason VARCHAR(400), 
	submitted_at BIGINT NOT NULL, 
	opened_at BIGINT, 
	decided_at BIGINT, 
	effective_at BIGINT, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_service_case PRIMARY KEY (district, case_id), 
	CONSTRAINT ck_service_case_state CHECK (state IN ('saved', 'submitted', 'reviewing', 'rechecking', 'effective', 'auditing', 'audited', 'disputed', 'withdrawn', 'refused')), 
	CONSTRAINT ck_service_case_approval CHECK (approval IN ('by_rule', 'by_review'))
)
--;
CREATE INDEX ix_service_case_account_id_submitted_at ON service_case (account_id, submitted_at)
--;
CREATE INDEX ix_service_case_district_state_submitted_at ON service_case (district, state, submitted_at)
--;
CREATE INDEX ix_service_case_person ON service_case (person_id, submitted_at) WHERE person_id IS NOT NULL
--;
CREATE UNIQUE INDEX ix_service_case_reference ON service_case (reference)
--;
CREATE INDEX ix_service_case_unit_id_submitted_at ON service_case (unit_id, submitted_at)
--;
CREATE TABLE staff_operator (
	operator_id VARCHAR(32) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	display_name VARCHAR(100) NOT NULL, 
	level VARCHAR(16) NOT NULL, 
	parent_operator_id VARCHAR(32), 
	district VARCHAR(6) NOT NULL, 
	department VARCHAR(20), 
	roles VARCHAR(100) DEFAULT '' NOT NULL, 
	phone VARCHAR(20), 
	state VARCHAR(10) DEFAULT 'active' NOT NULL, 
	password_hash VARCHAR(200), 
	certificate_sha256 VARCHAR(64), 
	on_duty BOOLEAN NOT NULL, 
	must_change BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_staff_operator PRIMARY KEY (operator_id), 
	CONSTRAINT ck_staff_operator_level CHECK (level IN ('root', 'district_admin', 'operator')), 
	CONSTRAINT ck_staff_operator_state CHECK (state IN ('active', 'disabled'))
)
--;
CREATE INDEX ix_staff_operator_district_state ON staff_operator (district, state)
--;
CREATE UNIQUE INDEX ix_staff_operator_user_name ON staff_operator (user_name)
--;
CREATE TABLE tax_ledger (
	unit_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	due_fen BIGINT DEFAULT '0' NOT NULL, 
	paid_fen BIGINT DEFAULT '0' NOT NULL, 
	tax_reference VARCHAR(40), 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_tax_ledger PRIMARY KEY (unit_id, period, insurance)
)
--;
CREATE TABLE unit (
	unit_id BIGINT NOT NULL, 
	credit_code VARCHAR(18) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	agency VARCHAR(12) NOT NULL, 
	industry VARCHAR(4), 
	injury_class BIGINT DEFAULT '1' NOT NULL, 
	vip BOOLEAN NOT NULL, 
	credit_level BIGINT DEFAULT '0' NOT NULL, 
	state VARCHAR(10) DEFAULT 'active' NOT NULL, 
	contact VARCHAR(50), 
	phone VARCHAR(20), 
	address VARCHAR(200), 
	pooling_area VARCHAR(10), 
	version BIGINT DEFAULT '1' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_unit PRIMARY KEY (unit_id), 
	CONSTRAINT ck_unit_state CHECK (state IN ('active', 'suspended', 'closed')), 
	CONSTRAINT ck_unit_injury_class CHECK (injury_class BETWEEN 1 AND 8)
)
--;
CREATE UNIQUE INDEX ix_unit_credit_code ON unit (credit_code)
--;
CREATE INDEX ix_unit_district ON unit (district)
--;
CREATE TABLE wage_declaration (
	unit_id BIGINT NOT NULL, 
	year BIGINT NOT NULL, 
	person_id BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	wage_fen BIGINT DEFAULT '0' NOT NULL, 
	base_fen BIGINT DEFAULT '0' NOT NULL, 
	prior_wage_fen BIGINT, 
	prior_base_fen BIGINT, 
	state VARCHAR(10) NOT NULL, 
	case_id VARCHAR(32), 
	row_no BIGINT DEFAULT '1' NOT NULL, 
	declared_at BIGINT NOT NULL, 
	CONSTRAINT pk_wage_declaration PRIMARY KEY (unit_id, year, person_id, revision), 
	CONSTRAINT ck_wage_declaration_state CHECK (state IN ('submitted', 'effective', 'superseded', 'withdrawn')), 
	CONSTRAINT ck_wage_declaration_amounts CHECK (wage_fen >= 0 AND base_fen >= 0)
)
--;
CREATE INDEX ix_wage_declaration_case ON wage_declaration (case_id, state) WHERE case_id IS NOT NULL
--;
CREATE UNIQUE INDEX uq_wage_declaration_live ON wage_declaration (unit_id, year, person_id, state) WHERE state IN ('effective', 'submitted')
--;
CREATE TABLE writeoff (
	unit_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	written_off_at BIGINT NOT NULL, 
	CONSTRAINT pk_writeoff PRIMARY KEY (unit_id, period, person_id, insurance, kind, entry)
)
--;
CREATE TABLE account_certificate (
	certificate_sha256 VARCHAR(64) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	issuer VARCHAR(200) NOT NULL, 
	serial VARCHAR(48) NOT NULL, 
	key_sha256 VARCHAR(64), 
	state VARCHAR(10) DEFAULT 'bound' NOT NULL, 
	not_after BIGINT NOT NULL, 
	bound_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	CONSTRAINT pk_account_certificate PRIMARY KEY (certificate_sha256), 
	CONSTRAINT ck_account_certificate_state CHECK (state IN ('bound', 'revoked')), 
	CONSTRAINT fk_account_certificate_account_id FOREIGN KEY(account_id) REFERENCES account (account_id)
)
--;
CREATE INDEX ix_account_certificate_account_id ON account_certificate (account_id)
--;
CREATE UNIQUE INDEX ix_account_certificate_issuer_serial ON account_certificate (issuer, serial)
--;
CREATE UNIQUE INDEX ix_account_certificate_key_sha256 ON account_certificate (key_sha256)
--;
CREATE TABLE case_part (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	part BIGINT NOT NULL, 
	request_id VARCHAR(32) NOT NULL, 
	body BLOB NOT NULL, 
	body_digest BLOB NOT NULL, 
	rows_total BIGINT DEFAULT '1' NOT NULL, 
	rows_failed BIGINT DEFAULT '0' NOT NULL, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_case_part PRIMARY KEY (district, case_id, part), 
	CONSTRAINT fk_case_part_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
CREATE TABLE case_row_failure (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	row_no BIGINT NOT NULL, 
	code VARCHAR(32) NOT NULL, 
	field VARCHAR(40), 
	CONSTRAINT pk_case_row_failure PRIMARY KEY (district, case_id, row_no), 
	CONSTRAINT fk_case_row_failure_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
CREATE TABLE case_step (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	step_no BIGINT NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	actor VARCHAR(12) NOT NULL, 
	operator_id VARCHAR(32), 
	note VARCHAR(400), 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_case_step PRIMARY KEY (district, case_id, step_no), 
	CONSTRAINT ck_case_step_state CHECK (state IN ('saved', 'submitted', 'reviewing', 'rechecking', 'effective', 'auditing', 'audited', 'disputed', 'withdrawn', 'refused')), 
	CONSTRAINT fk_case_step_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
CREATE TABLE desk_member (
	district VARCHAR(6) NOT NULL, 
	desk_id VARCHAR(32) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	role VARCHAR(12) NOT NULL, 
	CONSTRAINT pk_desk_member PRIMARY KEY (district, desk_id, operator_id), 
	CONSTRAINT fk_desk_member_district_desk_id FOREIGN KEY(district, desk_id) REFERENCES desk (district, desk_id), 
	CONSTRAINT fk_desk_member_operator_id FOREIGN KEY(operator_id) REFERENCES staff_operator (operator_id)
)
--;
CREATE TABLE feedback_step (
	district VARCHAR(6) NOT NULL, 
	feedback_id VARCHAR(32) NOT NULL, 
	step_no BIGINT NOT NULL, 
	level BIGINT NOT NULL, 
	operator_id VARCHAR(32), 
	note VARCHAR(2000) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_feedback_step PRIMARY KEY (district, feedback_id, step_no), 
	CONSTRAINT ck_feedback_step_state CHECK (state IN ('open', 'answered', 'escalated', 'closed')), 
	CONSTRAINT fk_feedback_step_district_feedback_id FOREIGN KEY(district, feedback_id) REFERENCES feedback (district, feedback_id)
)
--;
CREATE TABLE task (
	district VARCHAR(6) NOT NULL, 
	task_id VARCHAR(32) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	role VARCHAR(12) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	desk_id VARCHAR(32), 
	operator_id VARCHAR(32), 
	draw_day VARCHAR(8), 
	draw_proof BLOB, 
	created_at BIGINT NOT NULL, 
	opened_at BIGINT, 
	due_at BIGINT, 
	closed_at BIGINT, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_task PRIMARY KEY (district, task_id), 
	CONSTRAINT ck_task_role CHECK (role IN ('review', 'recheck', 'post_audit')), 
	CONSTRAINT ck_task_state CHECK (state IN ('waiting', 'opened', 'done', 'cancelled')), 
	CONSTRAINT fk_task_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
CREATE INDEX ix_task_district_case_id_role ON task (district, case_id, role)
--;
CREATE INDEX ix_task_operator_id_state ON task (operator_id, state)
--;
CREATE TABLE decision (
	district VARCHAR(6) NOT NULL, 
	decision_id VARCHAR(32) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	task_id VARCHAR(32) NOT NULL, 
	role VARCHAR(12) NOT NULL, 
	verdict VARCHAR(8) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	reason VARCHAR(400), 
	row_verdicts BLOB, 
	signature BLOB, 
	decided_at BIGINT NOT NULL, 
	CONSTRAINT pk_decision PRIMARY KEY (district, decision_id), 
	CONSTRAINT ck_decision_role CHECK (role IN ('review', 'recheck', 'post_audit')), 
	CONSTRAINT ck_decision_verdict CHECK (verdict IN ('pass', 'refuse', 'dispute')), 
	CONSTRAINT fk_decision_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id), 
	CONSTRAINT fk_decision_district_task_id FOREIGN KEY(district, task_id) REFERENCES task (district, task_id)
)
--;
CREATE UNIQUE INDEX ix_decision_district_case_id_role ON decision (district, case_id, role)
--;
CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log BEGIN
  SELECT RAISE(ABORT, 'table access_log is insert-only');
END
--;
CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log BEGIN
  SELECT RAISE(ABORT, 'table access_log is insert-only');
END
--;
CREATE TRIGGER applied_no_update BEFORE UPDATE ON applied BEGIN
  SELECT RAISE(ABORT, 'table applied is insert-only');
END
--;
CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN
  SELECT RAISE(ABORT, 'table audit_entry is insert-only');
END
--;
CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry BEGIN
  SELECT RAISE(ABORT, 'table audit_entry is insert-only');
END
--;
CREATE TRIGGER case_part_no_update BEFORE UPDATE ON case_part BEGIN
  SELECT RAISE(ABORT, 'table case_part is insert-only');
END
--;
CREATE TRIGGER case_part_no_delete BEFORE DELETE ON case_part BEGIN
  SELECT RAISE(ABORT, 'table case_part is insert-only');
END
--;
CREATE TRIGGER case_row_failure_no_update BEFORE UPDATE ON case_row_failure BEGIN
  SELECT RAISE(ABORT, 'table case_row_failure is insert-only');
END
--;
CREATE TRIGGER case_row_failure_no_delete BEFORE DELETE ON case_row_failure BEGIN
  SELECT RAISE(ABORT, 'table case_row_failure is insert-only');
END
--;
CREATE TRIGGER case_step_no_update BEFORE UPDATE ON case_step BEGIN
  SELECT RAISE(ABORT, 'table case_step is insert-only');
END
--;
CREATE TRIGGER case_step_no_delete BEFORE DELETE ON case_step BEGIN
  SELECT RAISE(ABORT, 'table case_step is insert-only');
END
--;
CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision BEGIN
  SELECT RAISE(ABORT, 'table decision is insert-only');
END
--;
CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision BEGIN
  SELECT RAISE(ABORT, 'table decision is insert-only');
END
--;
CREATE TRIGGER feedback_step_no_update BEFORE UPDATE ON feedback_step BEGIN
  SELECT RAISE(ABORT, 'table feedback_step is insert-only');
END
--;
CREATE TRIGGER feedback_step_no_delete BEFORE DELETE ON feedback_step BEGIN
  SELECT RAISE(ABORT, 'table feedback_step is insert-only');
END
--;
CREATE TRIGGER late_fee_no_update BEFORE UPDATE ON late_fee BEGIN
  SELECT RAISE(ABORT, 'table late_fee is insert-only');
END
--;
CREATE TRIGGER late_fee_no_delete BEFORE DELETE ON late_fee BEGIN
  SELECT RAISE(ABORT, 'table late_fee is insert-only');
END
--;
CREATE TRIGGER medical_use_no_update BEFORE UPDATE ON medical_use BEGIN
  SELECT RAISE(ABORT, 'table medical_use is insert-only');
END
--;
CREATE TRIGGER medical_use_no_delete BEFORE DELETE ON medical_use BEGIN
  SELECT RAISE(ABORT, 'table medical_use is insert-only');
END
--;
CREATE TRIGGER person_merge_no_update BEFORE UPDATE ON person_merge BEGIN
  SELECT RAISE(ABORT, 'table person_merge is insert-only');
END
--;
CREATE TRIGGER person_merge_no_delete BEFORE DELETE ON person_merge BEGIN
  SELECT RAISE(ABORT, 'table person_merge is insert-only');
END
--;
CREATE TRIGGER personal_account_entry_no_update BEFORE UPDATE ON personal_account_entry BEGIN
  SELECT RAISE(ABORT, 'table personal_account_entry is insert-only');
END
--;
CREATE TRIGGER personal_account_entry_no_delete BEFORE DELETE ON personal_account_entry BEGIN
  SELECT RAISE(ABORT, 'table personal_account_entry is insert-only');
END
--;
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting BEGIN
  SELECT RAISE(ABORT, 'table posting is insert-only');
END
--;
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting BEGIN
  SELECT RAISE(ABORT, 'table posting is insert-only');
END
--;
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt BEGIN
  SELECT RAISE(ABORT, 'table receipt is insert-only');
END
--;
CREATE TRIGGER receipt_no_delete BEFORE DELETE ON receipt BEGIN
  SELECT RAISE(ABORT, 'table receipt is insert-only');
END
--;
CREATE TRIGGER review_flow_no_update BEFORE UPDATE ON review_flow BEGIN
  SELECT RAISE(ABORT, 'table review_flow is insert-only');
END
--;
CREATE TRIGGER review_flow_no_delete BEFORE DELETE ON review_flow BEGIN
  SELECT RAISE(ABORT, 'table review_flow is insert-only');
END
--;
CREATE TRIGGER writeoff_no_update BEFORE UPDATE ON writeoff BEGIN
  SELECT RAISE(ABORT, 'table writeoff is insert-only');
END
--;
CREATE TRIGGER writeoff_no_delete BEFORE DELETE ON writeoff BEGIN
  SELECT RAISE(ABORT, 'table writeoff is insert-only');
END
